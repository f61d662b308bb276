"""A trained crop classifier: it resizes and normalises crops of any size and returns class probabilities."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import check_regular_file
from sonar_debris.networks import load_network

# Side of a crop relative to the longer side of the object: the surroundings help, above all the object's shadow.
CROP_CONTEXT = 1.15
# The last class of the sliding-window detector's classifier: boxes of earlier stages that show no object.
BACKGROUND = "background"


def normalise_crop(crop: np.ndarray) -> np.ndarray:
    """Shift and scale a crop to mean 0 and standard deviation 1.

    Args:
        crop: ``(rows, cols)``.

    Returns:
        ``(rows, cols)`` float32; all 0 if the crop is flat.
    """
    centred = crop - crop.mean()
    return (centred / max(float(centred.std()), 1e-6)).astype(np.float32)


def letterbox(image: np.ndarray, size: int) -> np.ndarray:
    """Fit an image into a square with its aspect ratio kept; fill the rest with its mean.

    Args:
        image: ``(rows, cols)`` float32.
        size: side of the square in pixels.

    Returns:
        ``(size, size)`` float32.
    """
    scale = size / max(image.shape)
    rows, cols = (max(1, round(side * scale)) for side in image.shape)
    resized = cv2.resize(image, (cols, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (size - rows) // 2, (size - cols) // 2
    bottom, right = size - rows - top, size - cols - left
    mean = float(resized.mean())
    return cv2.copyMakeBorder(resized, top, bottom, left, right, cv2.BORDER_CONSTANT, value=mean)


class CropClassifier:
    """A trained network with the names of its classes.

    Args:
        network: a Keras model from crops ``(batch, size, size, 1)`` to probabilities ``(batch, classes)``.
        class_names: the name of each class.
    """

    def __init__(self, network: Any, class_names: Sequence[str]):
        self.network = network
        self.class_names = tuple(class_names)

    @classmethod
    def load(cls, path: Path | str) -> "CropClassifier":
        """Load ``NAME.keras`` and its class names from ``NAME.json`` in the same folder.

        Raises:
            SonarDebrisError: a file is missing or cannot be read.
        """
        path = Path(path)
        try:
            check_regular_file(path.with_suffix(".json"))
            class_names = tuple(json.loads(path.with_suffix(".json").read_text())["class_names"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SonarDebrisError(f"{path.with_suffix('.json')}: no class names ({error})") from error
        return cls(load_network(path), class_names)

    @property
    def size(self) -> int:
        """Return the side of the network's input in pixels."""
        return int(self.network.input_shape[1])

    def predict(self, crops: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return the class probabilities of crops.

        Args:
            crops: N images ``(rows, cols)`` of any size, oriented as in frames (range upwards).

        Returns:
            ``(N, classes)`` float32; each row sums to 1.
        """
        if not len(crops):
            return np.zeros((0, len(self.class_names)), np.float32)
        inputs = np.stack([normalise_crop(letterbox(crop, self.size)) for crop in crops])
        return self.network.predict(inputs[..., None], batch_size=64, verbose=0)
