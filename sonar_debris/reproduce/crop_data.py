"""Object crops as the classification studies take them: squares of one size, in arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.crops import Crop, crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import FOLDS, select_crops
from sonar_debris.detection.classifier import letterbox, normalise_crop

# The published augmentation: 15 rotations times the four offsets of 2 pixels along both axes, 60 images a crop.
ROTATIONS = 15
OFFSET = 2


@dataclass(frozen=True)
class CropData:
    """Crops of one size with their classes.

    Attributes:
        images: ``(N, size, size)`` float32, letterboxed.
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

    def draw_augmented(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """A crop turned and moved as in the published work, and its class."""
        crop, class_id = self.draw(rng)
        turn = 360 / ROTATIONS * rng.integers(ROTATIONS)
        return turn_and_move(crop[..., 0], turn, rng.choice([-OFFSET, OFFSET], 2))[..., None], class_id


def turn_and_move(image: np.ndarray, degrees: float, offset: Sequence[int]) -> np.ndarray:
    """Turn an image about its centre, then move it; what comes into view is 0, the mean.

    Args:
        image: ``(rows, cols)`` float32.
        degrees: counter-clockwise.
        offset: pixels to the right and down.
    """
    rows, cols = image.shape
    matrix = cv2.getRotationMatrix2D(((cols - 1) / 2, (rows - 1) / 2), degrees, 1)
    matrix[:, 2] += offset
    return cv2.warpAffine(image, matrix, (cols, rows), flags=cv2.INTER_LINEAR)


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
    images = [letterbox(load_crop(crop), size) for crop in crops]
    images = [normalise_crop(image) for image in images] if normalised else images
    class_id = np.array([crop.class_id for crop in crops], np.int64)
    return CropData(np.array(images).reshape(-1, size, size), class_id, crop_class_names(root, collection))


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
