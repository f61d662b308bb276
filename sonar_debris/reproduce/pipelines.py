"""The figures of the published work, as shares in [0, 1] and numbers of weights.

References:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks, 2016,
    doi:10.1109/OCEANS.2016.7761140 (classification).
    Valdenegro-Toro, Submerged Marine Debris Detection with Autonomous Underwater Vehicles, 2016,
    doi:10.1109/RAHA.2016.7931907, and Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18 (proposals).
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662 (detection and recognition).

MERGED:
The detection pipelines that the studies of whole frames share, one a split.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES, read_watertank
from sonar_debris.datasets.splits import select_frames
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.training import PipelineSchedules, calibrate, train_networks
from sonar_debris.reproduce.study import Study
from sonar_debris.training import TrainingConfig

# Accuracy on a random split of crops of 96×96, and the number of weights (of templates: pixels).
CLASSIFICATION = {
    "cnn-batchnorm": (0.992, 930_000),
    "cnn-dropout": (0.969, 930_000),
    "mlp-dropout-sigmoid": (0.621, 10_100_000),
    "mlp-dropout-tanh": (0.165, 10_100_000),
    "mlp-dropout-relu": (0.517, 10_100_000),
    "mlp-batchnorm-sigmoid": (0.655, 10_100_000),
    "mlp-batchnorm-tanh": (0.295, 10_100_000),
    "mlp-batchnorm-relu": (0.923, 10_100_000),
    "template-cross_correlation": (0.924, 8_500_000),
    "template-sum_of_squared_differences": (0.976, 8_500_000),
}

# Recall at IoU 0.5 of this many proposals a frame.
PROPOSAL_RECALL = {"objectness": {60: 0.94, 100: 0.96}, "selective-search": {2000: 0.95}, "edge-boxes": {5000: 0.97}}

# Shares of objects found, and of the found ones named right by the network and by an SVM on its features.
END_TO_END = {"found": 0.93, "named": 0.75, "named_by_svm": 0.85}


QUICK_SCHEDULES = PipelineSchedules(*[TrainingConfig(epochs=1, steps=10)] * 3)
# The shipped model learned from scene folds 1 to 4.
SCENE_MODEL, SCENE_FOLD = "sliding-window", "0"
SPLITS = ("random", "scene")


def split_frames(study: Study, split: str) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """The frames to learn from and those to test on; of a quick study, some of them."""
    train, test = (["train"], "test") if split == "random" else (["1", "2", "3", "4"], SCENE_FOLD)
    frames = read_watertank(study.root)
    parts = [select_frames(study.root, frames, split, part) for part in (train, test)]
    return tuple(subsample(study, part) for part in parts)


def load_pipeline(study: Study, split: str) -> DebrisDetector:
    """The pipeline of a split, which leaves no score out; `DebrisDetector.min_score` is 0.

    Of the scene-disjoint split it is the shipped model, of the random split one with the same recipe, trained now and
    kept in ``pipeline-random`` beside the study's folder; its threshold is chosen on the split's validation part.
    """
    return DebrisDetector.from_pretrained(_pipeline_folder(study, split), min_score=0.0)


def subsample(study: Study, frames: Sequence[LabelledFrame]) -> list[LabelledFrame]:
    """All frames, or about twenty of them for a quick study."""
    return list(frames[:: max(1, len(frames) // 20)] if study.quick else frames)


def _pipeline_folder(study: Study, split: str) -> str | Path:
    if split == "scene":
        return SCENE_MODEL
    folder = study.folder.parent / "pipeline-random"
    study.claim(folder)
    if not (folder / "model.json").is_file():
        recipe = (QUICK_SCHEDULES if study.quick else PipelineSchedules()).each_with(study.seed, study.precision)
        train, _ = split_frames(study, split)
        train_networks(load_training_frames(train), [], CLASS_NAMES, recipe, folder)
        val = select_frames(study.root, read_watertank(study.root), split, "val")
        settings = SlidingWindowSettings("random", CLASS_NAMES, data={"split": "random", "train": ["train"]})
        settings = calibrate(folder, settings, subsample(study, val))
        replace(settings, training={"seed": study.seed}).save(folder / "model.json")
    return folder
