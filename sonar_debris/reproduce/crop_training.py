"""What the studies on crops share: training a network for a trial, and scoring what it says of the test's crops."""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from sonar_debris.reproduce.crop_data import CropData
from sonar_debris.reproduce.study import Study
from sonar_debris.training.batches import Sample
from sonar_debris.training.classifier import smoothed_cross_entropy
from sonar_debris.training.fit import Schedule, fit


def train_on_crops(
    study: Study,
    build: Callable[[], keras.Model],
    draw: Sample,
    seed: int,
    learning_rate: float = 1e-3,
    test: Sample | None = None,
) -> tuple[keras.Model, list[float]]:
    """Train a crop classifier as the study's length asks, leaving nothing behind.

    Args:
        study: quick or full.
        build: makes the network.
        draw: draws a training crop.
        seed: of the weights and the batches.
        learning_rate: the highest of the schedule.
        test: draws the crops that the learning curve is measured on, if one is wanted. Nothing is chosen by it.

    Returns:
        The network, and after each epoch its accuracy on the test's crops; empty without ``test``.
    """
    epochs, steps = (2, 10) if study.quick else (10, 40)
    schedule = Schedule(epochs, steps, learning_rate=learning_rate, seed=seed, precision=study.precision)
    with tempfile.TemporaryDirectory() as run:
        network = fit(build, draw, test, smoothed_cross_entropy, schedule, Path(run), "classifier", ["accuracy"])
        return network, _learning_curve(Path(run) / "classifier.csv") if test else []


def name_crops(network: keras.Model, test: CropData) -> np.ndarray:
    """The class ``(N,)`` that a network gives each crop. The network is at its end: Keras' session is cleared."""
    given = network.predict(test.images[..., None], batch_size=64, verbose=0).argmax(axis=1)
    keras.utils.clear_session()  # or the graphs of a hundred trainings pile up in memory
    return given


def scored(given: np.ndarray, test: CropData) -> dict:
    """The ``accuracy`` in [0, 1], and the classes ``given`` and ``true`` of the test's crops, as JSON takes them."""
    accuracy = float((given == test.class_id).mean())
    return {"accuracy": accuracy, "given": given.tolist(), "true": test.class_id.tolist()}


def _learning_curve(log: Path) -> list[float]:
    with log.open(newline="") as lines:
        return [float(row["val_accuracy"]) for row in csv.DictReader(lines)]
