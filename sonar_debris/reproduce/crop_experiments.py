"""Experiments on object crops: read them as arrays, augment them, train a classifier on them, and score it."""

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import ArrayLike

from sonar_debris.classifiers.crop_classifier import normalise_crop
from sonar_debris.classifiers.training import smoothed_cross_entropy
from sonar_debris.datasets.release import Crop, crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import FOLDS, select_crops
from sonar_debris.reproduce.study import Result, Study, percent
from sonar_debris.training import Sample, TrainingConfig, fit

# The published augmentation: 15 rotations × 4 offsets of 2 pixels along both axes, 60 images per crop.
ROTATIONS = 15
OFFSET = 2
# The limits of our own augmentation: degrees, natural logarithm of the scale, and pixels.
MAX_ROTATION, MAX_LOG_SCALE, MAX_SHIFT = 8, 0.1, 3
# The trials of a study read the same crops again and again: the water tank's 1,980 crops fit into the cache.
CACHED_CROPS = 2048

_load_cached = lru_cache(CACHED_CROPS)(load_crop)


@dataclass(frozen=True)
class CropData:
    """Crops of one size and their classes.

    Attributes:
        images: ``(N, size, size)`` float32; each crop is stretched to a square.
        class_id: ``(N,)`` indices into ``class_names``.
        class_names: the name of each class.
    """

    images: np.ndarray
    class_id: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Draw a crop ``(size, size, 1)`` without augmentation, and its class. All crops are equally likely."""
        index = rng.integers(len(self))
        return self.images[index][..., None], int(self.class_id[index])

    def draw_jittered(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Draw a crop and its class; rotate, scale and shift it as little as between two frames of an object."""
        crop, class_id = self.draw(rng)
        scale = np.exp(rng.uniform(-MAX_LOG_SCALE, MAX_LOG_SCALE))
        degrees = rng.uniform(-MAX_ROTATION, MAX_ROTATION)
        offset = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2)
        return warp(crop[..., 0], degrees, offset, scale)[..., None], class_id

    def draw_published(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Draw a crop and its class; rotate and shift it as in the published work."""
        crop, class_id = self.draw(rng)
        degrees = 360 / ROTATIONS * rng.integers(ROTATIONS)
        offset = rng.choice([-OFFSET, OFFSET], 2)
        return warp(crop[..., 0], degrees, offset)[..., None], class_id


def warp(image: np.ndarray, degrees: float, offset: ArrayLike, scale: float = 1.0) -> np.ndarray:
    """Rotate and scale an image about its centre, then shift it; repeat its border where it ends.

    Args:
        image: ``(rows, cols)`` float32.
        degrees: counter-clockwise rotation.
        offset: ``(2,)`` pixels to the right and down.
        scale: above 1 enlarges.

    Returns:
        ``(rows, cols)`` float32.
    """
    rows, cols = image.shape
    matrix = cv2.getRotationMatrix2D(((cols - 1) / 2, (rows - 1) / 2), degrees, float(scale))
    matrix[:, 2] += np.asarray(offset)
    return cv2.warpAffine(image, matrix, (cols, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def read_crop_data(
    root: Path, crops: Sequence[Crop], size: int, collection: str = "watertank-cropped", normalised: bool = True
) -> CropData:
    """Read crops of a collection into memory.

    Args:
        root: the folder of the public release.
        crops: the crops to read.
        size: side of the squares in pixels.
        collection: name of the collection, which determines the class names.
        normalised: whether to shift and scale each crop to mean 0 and standard deviation 1; otherwise crops are in
            [0, 1].

    Returns:
        The crops, in the given order.

    Raises:
        FrameReadError: a crop cannot be read.
    """
    images = [_stretch(_load_cached(crop), size) for crop in crops]
    if normalised:
        images = [normalise_crop(image) for image in images]
    class_id = np.array([crop.class_id for crop in crops], np.int64)
    return CropData(np.array(images).reshape(-1, size, size), class_id, crop_class_names(root, collection))


def _stretch(image: np.ndarray, size: int) -> np.ndarray:
    """Stretch a crop to a square. Letterboxing was worse on validation scenes: 0.51 against 0.63 of scene fold 3."""
    interpolation = cv2.INTER_AREA if max(image.shape) > size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=interpolation)


def split_crops(root: Path, split: str, fold: str) -> tuple[list[Crop], list[Crop]]:
    """List the crops to train on and the crops to test on.

    Args:
        root: the folder of the public release.
        split: ``"random"`` (70 and 30 % of each class) or ``"scene"`` (whole layouts of the tank).
        fold: the scene fold to test on; the random split ignores it.

    Returns:
        Training crops and test crops.

    Raises:
        SonarDebrisError: the scenes of the crops are unknown, or there are too few crops.
    """
    crops = read_crops(root)
    if split == "random":
        return select_crops(root, crops, split, "train"), select_crops(root, crops, split, "test")
    training_folds = [other for other in FOLDS if other != fold]
    return select_crops(root, crops, split, training_folds), select_crops(root, crops, split, fold)


def train_on_crops(
    study: Study,
    build: Callable[[], keras.Model],
    sample: Sample,
    seed: int,
    learning_rate: float = 1e-3,
    test_sample: Sample | None = None,
) -> tuple[keras.Model, list[float]]:
    """Train a crop classifier in a temporary folder.

    Args:
        study: determines the length of the training, and the precision.
        build: returns the network.
        sample: draws a training crop ``(size, size, 1)`` and its class.
        seed: seed of the weights and of the batches.
        learning_rate: the highest learning rate.
        test_sample: draws the test crops on which the learning curve is measured, or None. It does not influence the
            training.

    Returns:
        The network, and its accuracy in [0, 1] on the test crops after each epoch; empty without ``test_sample``.
    """
    epochs, steps = (2, 10) if study.quick else (10, 40)
    config = TrainingConfig(epochs, steps, learning_rate=learning_rate, seed=seed, precision=study.precision)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        network = fit(
            build, sample, test_sample, smoothed_cross_entropy, config, run, name="classifier", metrics=["accuracy"]
        )
        return network, _read_learning_curve(run / "classifier.csv") if test_sample else []


def _read_learning_curve(log: Path) -> list[float]:
    with log.open(newline="") as lines:
        return [float(row["val_accuracy"]) for row in csv.DictReader(lines)]


def classify_crops(network: keras.Model, test: CropData) -> np.ndarray:
    """Return the class of each crop. Keras's session is cleared, so this is the last use of the network.

    Args:
        network: a model from crops ``(batch, size, size, 1)`` to class probabilities.
        test: N crops.

    Returns:
        ``(N,)`` class indices.
    """
    predicted = network.predict(test.images[..., None], batch_size=64, verbose=0).argmax(axis=1)
    keras.utils.clear_session()  # otherwise the graphs of a hundred trainings accumulate in memory
    return predicted


def score_predictions(predicted: np.ndarray, test: CropData) -> Result:
    """Score the predicted classes of crops.

    Args:
        predicted: ``(N,)`` class indices.
        test: N crops.

    Returns:
        The ``accuracy`` in [0, 1], and the predicted and the true classes as lists, ``given`` and ``true``.
    """
    accuracy = float((predicted == test.class_id).mean())
    return {"accuracy": accuracy, "given": predicted.tolist(), "true": test.class_id.tolist()}


def pooled_accuracy(results: Sequence[Result]) -> str:
    """Format the accuracy over the pooled crops of several tests, and the standard deviation between the tests.

    If all tests have the same number of crops, the pooled accuracy is the mean accuracy.

    Args:
        results: the result of `score_predictions` for each test.

    Returns:
        Text in per cent; without the deviation if there is only one test.
    """
    correct = np.concatenate([np.equal(result["given"], result["true"]) for result in results])
    deviation = float(np.std([result["accuracy"] for result in results], ddof=1)) if len(results) > 1 else None
    return percent(float(correct.mean()), deviation)
