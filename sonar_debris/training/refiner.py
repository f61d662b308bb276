"""Train the box refiner on proposals around labelled boxes and on background."""

from pathlib import Path

import keras

from sonar_debris.datasets.windows import WindowSampler
from sonar_debris.networks.box_refiner import build_box_refiner
from sonar_debris.training.box_loss import refinement_loss
from sonar_debris.training.fit import Schedule, fit


def train_refiner(train: WindowSampler, val: WindowSampler | None, schedule: Schedule, run: Path) -> keras.Model:
    """Train a network of `build_box_refiner`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        schedule: how long and how fast.
        run: gets ``refiner.keras`` and its log.

    Returns:
        The trained network.
    """
    return fit(build_box_refiner, train.refinement, val and val.refinement, refinement_loss, schedule, run, "refiner")
