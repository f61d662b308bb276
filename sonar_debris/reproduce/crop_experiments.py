"""Object crops as the classification studies take them: squares of one size, in arrays.

MERGED:
What the studies on crops share: training a network for a trial, and scoring what it says of the test's crops.
"""

import csv
import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np

from sonar_debris.classifiers.crop_classifier import normalise_crop
from sonar_debris.classifiers.training import smoothed_cross_entropy
from sonar_debris.datasets.release import Crop, crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import FOLDS, select_crops
from sonar_debris.reproduce.study import Study
from sonar_debris.training import Sample, TrainingConfig, fit

# The published augmentation: 15 rotations times the four offsets of 2 pixels along both axes, 60 images a crop.
ROTATIONS = 15
OFFSET = 2
# Our own: degrees, natural logarithm of the scale, and pixels, each at most this much either way.
MAX_TURN, MAX_STRETCH, MAX_MOVE = 8, 0.1, 3


@dataclass(frozen=True)
class CropData:
    """Crops of one size with their classes.

    Attributes:
        images: ``(N, size, size)`` float32, each stretched to the square.
        class_id: ``(N,)`` indices into ``class_names``.
        class_names: one name a class.
    """

    images: np.ndarray
    class_id: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop ``(size, size, 1)`` as it is, each as likely as any other, and its class."""
        number = rng.integers(len(self))
        return self.images[number][..., None], int(self.class_id[number])

    def draw_jittered(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop turned, scaled and moved as little as between two frames of one object, and its class."""
        crop, class_id = self.draw(rng)
        scale = np.exp(rng.uniform(-MAX_STRETCH, MAX_STRETCH))
        moved = warp(crop[..., 0], rng.uniform(-MAX_TURN, MAX_TURN), rng.uniform(-MAX_MOVE, MAX_MOVE, 2), scale)
        return moved[..., None], class_id

    def draw_published(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop turned and moved as in the published work, and its class."""
        crop, class_id = self.draw(rng)
        turn = 360 / ROTATIONS * rng.integers(ROTATIONS)
        return warp(crop[..., 0], turn, rng.choice([-OFFSET, OFFSET], 2))[..., None], class_id


def warp(image: np.ndarray, degrees: float, offset: Sequence[float], scale: float = 1.0) -> np.ndarray:
    """Turn and scale an image about its centre, then move it; its border goes on beyond it.

    Args:
        image: ``(rows, cols)`` float32.
        degrees: counter-clockwise.
        offset: pixels to the right and down.
        scale: over 1 enlarges.
    """
    rows, cols = image.shape
    matrix = cv2.getRotationMatrix2D(((cols - 1) / 2, (rows - 1) / 2), degrees, float(scale))
    matrix[:, 2] += offset
    return cv2.warpAffine(image, matrix, (cols, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def read_crop_data(
    root: Path, crops: Sequence[Crop], size: int, collection: str = "watertank-cropped", normalised: bool = True
) -> CropData:
    """Read crops of a collection into memory.

    Args:
        root: the folder of the public release.
        crops: which; of the collection.
        size: side of the squares, in pixels.
        collection: tells the class names.
        normalised: each crop with zero mean and unit deviation; else as it is, in [0, 1].
    """
    images = [_square(_load(crop), size) for crop in crops]
    images = [normalise_crop(image) for image in images] if normalised else images
    class_id = np.array([crop.class_id for crop in crops], np.int64)
    return CropData(np.array(images).reshape(-1, size, size), class_id, crop_class_names(root, collection))


# The trials of a study read the same crops again and again.
_load = functools.cache(load_crop)


def _square(image: np.ndarray, size: int) -> np.ndarray:
    """Stretched, not letterboxed: on validation scenes that was the better (0.63 against 0.51 of scene fold 3)."""
    shrinks = max(image.shape) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def split_crops(root: Path, split: str, fold: str) -> tuple[list[Crop], list[Crop]]:
    """The crops to train on and to test on.

    Args:
        root: the folder of the public release.
        split: ``"random"`` (70/30 % of each class) or ``"scene"`` (whole tank layouts).
        fold: the scene fold to test on; of no meaning for the random split.
    """
    crops = read_crops(root)
    train, test = ("train", "test") if split == "random" else ([one for one in FOLDS if one != fold], fold)
    return select_crops(root, crops, split, train), select_crops(root, crops, split, test)


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
    schedule = TrainingConfig(epochs, steps, learning_rate=learning_rate, seed=seed, precision=study.precision)
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
