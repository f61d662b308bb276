"""The sliding-window pipelines and the frames of each split, which the studies of whole frames share."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES, read_watertank
from sonar_debris.datasets.splits import FOLDS, select_frames
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.detectors.model_folder import SlidingWindowSettings, find_model
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.detectors.sliding_window.training import PipelineSchedules, calibrate, train_networks
from sonar_debris.reproduce.study import Study
from sonar_debris.training import TrainingConfig

Item = TypeVar("Item")

# In the order of the reports: first the split of the literature.
SPLITS = ("random", "scene")
# The shipped model was trained on the other scene folds.
SCENE_MODEL, SCENE_FOLD = "sliding-window", "0"
QUICK_FRAMES = 20
QUICK_SCHEDULES = PipelineSchedules(
    TrainingConfig(epochs=1, steps=10), TrainingConfig(epochs=1, steps=10), TrainingConfig(epochs=1, steps=10)
)


def split_frames(study: Study, split: str) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """List the frames to train on and the frames to test on; a quick study takes only some of them.

    Args:
        study: the settings of the run.
        split: one of `SPLITS`.

    Returns:
        Training frames and test frames.
    """
    frames = read_watertank(study.root)
    if split == "random":
        train = select_frames(study.root, frames, split, "train")
        test = select_frames(study.root, frames, split, "test")
    else:
        train = select_frames(study.root, frames, split, [fold for fold in FOLDS if fold != SCENE_FOLD])
        test = select_frames(study.root, frames, split, SCENE_FOLD)
    return subsample(study, train), subsample(study, test)


def subsample(study: Study, frames: Sequence[Item]) -> list[Item]:
    """Return all frames, or about `QUICK_FRAMES` of them for a quick study.

    Args:
        study: the settings of the run.
        frames: the frames to select from.

    Returns:
        The selected frames, in the given order.
    """
    stride = max(1, len(frames) // QUICK_FRAMES) if study.quick else 1
    return list(frames[::stride])


def load_pipeline(study: Study, split: str) -> SlidingWindowDetector:
    """Load the sliding-window detector that was trained on the training part of a split.

    For the scene split this is the shipped model. For the random split it is trained with the same schedules on the
    first call and kept in ``pipeline-random`` next to the study's folder; its score threshold is chosen on the
    validation part.

    Args:
        study: the settings of the run.
        split: one of `SPLITS`.

    Returns:
        The detector, with ``min_score`` 0: it reports all scores.

    Raises:
        SonarDebrisError: the folder holds a pipeline of other settings.
    """
    folder = find_model(SCENE_MODEL) if split == "scene" else _train_pipeline(study)
    return SlidingWindowDetector.load(folder).with_settings(min_score=0.0)


def _train_pipeline(study: Study) -> Path:
    """Train the pipeline of the random split unless it is trained already; return its folder."""
    folder = study.folder.parent / "pipeline-random"
    study.check_folder(folder)
    if not (folder / "model.json").is_file():
        schedules = (QUICK_SCHEDULES if study.quick else PipelineSchedules()).with_options(study.seed, study.precision)
        train, _ = split_frames(study, "random")
        train_networks(load_training_frames(train), [], CLASS_NAMES, schedules, folder)
        val = select_frames(study.root, read_watertank(study.root), "random", "val")
        settings = SlidingWindowSettings("random", CLASS_NAMES, data={"split": "random", "train": ["train"]})
        settings = calibrate(folder, settings, subsample(study, val))
        replace(settings, training={"seed": study.seed}).save(folder / "model.json")
    return folder
