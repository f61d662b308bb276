"""Object crops as the classification studies take them: squares of one size, in arrays."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.crops import Crop, crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import FOLDS, select_crops
from sonar_debris.detection.classifier import normalise_crop

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
