"""The detection pipelines that the studies of whole frames share, one a split."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.datasets.splits import select_frames
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.datasets.watertank import CLASS_NAMES, read_watertank
from sonar_debris.detection.detector import DebrisDetector
from sonar_debris.detection.settings import SlidingWindowSettings
from sonar_debris.reproduce.study import Study
from sonar_debris.training.fit import Schedule
from sonar_debris.training.pipeline import Recipe, calibrate, train_networks

QUICK_RECIPE = Recipe(*[Schedule(epochs=1, steps=10)] * 3)
# The shipped model learned from scene folds 1 to 4.
SCENE_MODEL, SCENE_FOLD = "sliding-window", "0"
SPLITS = ("random", "scene")


def split_frames(study: Study, split: str) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """The frames to learn from and those to test on; of a quick study, some of them."""
    train, test = (["train"], "test") if split == "random" else (["1", "2", "3", "4"], SCENE_FOLD)
    frames = read_watertank(study.root)
    parts = [select_frames(study.root, frames, split, part) for part in (train, test)]
    return tuple(thin(study, part) for part in parts)


def load_pipeline(study: Study, split: str) -> DebrisDetector:
    """The pipeline of a split, which leaves no score out; `DebrisDetector.min_score` is 0.

    Of the scene-disjoint split it is the shipped model, of the random split one with the same recipe, trained now and
    kept in ``pipeline-random`` beside the study's folder; its threshold is chosen on the split's validation part.
    """
    return DebrisDetector.from_pretrained(_pipeline_folder(study, split), min_score=0.0)


def thin(study: Study, frames: Sequence[LabelledFrame]) -> list[LabelledFrame]:
    """All frames, or about twenty of them for a quick study."""
    return list(frames[:: max(1, len(frames) // 20)] if study.quick else frames)


def _pipeline_folder(study: Study, split: str) -> str | Path:
    if split == "scene":
        return SCENE_MODEL
    folder = study.folder.parent / "pipeline-random"
    study.claim(folder)
    if not (folder / "model.json").is_file():
        recipe = (QUICK_RECIPE if study.quick else Recipe()).each_with(study.seed, study.precision)
        train, _ = split_frames(study, split)
        train_networks(load_training_frames(train), [], CLASS_NAMES, recipe, folder)
        val = select_frames(study.root, read_watertank(study.root), split, "val")
        settings = SlidingWindowSettings("random", CLASS_NAMES, data={"split": "random", "train": ["train"]})
        settings = calibrate(folder, settings, thin(study, val))
        replace(settings, training={"seed": study.seed}).save(folder / "model.json")
    return folder
