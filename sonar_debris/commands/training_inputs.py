"""What the trainings learn from, read as their options say."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend

if TYPE_CHECKING:
    from sonar_debris.commands.data_options import TrainingData
    from sonar_debris.datasets.training_frames import TrainingFrame


def select_labelled(data: TrainingData, parts: Sequence[str]) -> list:
    """List the labelled frames of some parts."""
    from sonar_debris.datasets.release import read_watertank
    from sonar_debris.datasets.splits import select_frames

    return select_frames(data.root, read_watertank(data.root), data.split, parts)


def load_frames(labelled: Sequence, simulated: int = 0, seed: int = 0) -> list[TrainingFrame]:
    """Read labelled frames into memory, and simulate some more."""
    with quiet_backend():
        from sonar_debris.datasets.training_frames import load_training_frames
    click.echo(f"reading {len(labelled)} frames, simulating {simulated}", err=True)
    return load_training_frames(labelled, simulated, seed)


def samplers(data: TrainingData, seed: int) -> tuple:
    """Samplers of training and of validation windows; None where nothing is validated on."""
    train_frames = load_frames(select_labelled(data, data.train), data.simulated, seed)
    val_frames = load_frames(select_labelled(data, data.val)) if data.val else None
    with quiet_backend():
        from sonar_debris.detectors.sliding_window.sampler import WindowSampler
    return WindowSampler(train_frames), val_frames and WindowSampler(val_frames, augmented=False)


def frame_samples(data: TrainingData, size: int, seed: int) -> tuple:
    """Class names, and functions that draw training and validation crops from whole frames."""
    from sonar_debris.datasets.release import CLASS_NAMES

    draw = [one and functools.partial(one.classification, size=size) for one in samplers(data, seed)]
    return CLASS_NAMES, *draw


def crop_samples(data: TrainingData, size: int, seed: int) -> tuple:
    """Class names, and functions that draw training and validation crops from the release's crops."""
    with quiet_backend():
        from sonar_debris.classifiers.training import CropSampler
    from sonar_debris.datasets.release import crop_class_names, read_crops
    from sonar_debris.datasets.splits import select_crops

    crops = read_crops(data.root)
    # The random split of the crops has no validation part.
    parts = [[part for part in some if part != "val"] for some in (data.train, data.val)]
    chosen = [select_crops(data.root, crops, data.split, some) for some in parts if some]
    draw = [CropSampler(some, size, augmented=not number).classification for number, some in enumerate(chosen)]
    return crop_class_names(data.root), *(draw + [None])[:2]
