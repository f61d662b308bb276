"""Train the box refiner on proposals around labelled boxes and on background."""

from pathlib import Path

import keras

from sonar_debris.datasets.windows import WindowSampler
from sonar_debris.networks.box_refiner import build_box_refiner
from sonar_debris.training.box_loss import refinement_loss
from sonar_debris.training.fit import Schedule, fit


def train_refiner(train: WindowSampler, val: WindowSampler | None, schedule: Schedule, run: Path) -> keras.Model:
    """Returns the trained network of `build_box_refiner`; writes it to ``run/refiner.keras``."""
    return fit(build_box_refiner, train.refinement, val and val.refinement, refinement_loss, schedule, run, "refiner")
