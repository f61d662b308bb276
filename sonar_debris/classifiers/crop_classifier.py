"""The crop classifier as the pipeline and the evaluation use it: images of any size in, probabilities out."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.networks import load_network

# A crop shows this much more than the object's longer side: an object is known by its shadow too.
CONTEXT = 1.15
# The last class of the pipeline's classifier: what an earlier stage mistook for an object.
BACKGROUND = "background"


def normalise_crop(crop: np.ndarray) -> np.ndarray:
    """A crop ``(rows, cols)`` with zero mean and unit deviation, float32; all 0 if it is flat."""
    crop = crop - crop.mean()
    return np.float32(crop / max(float(crop.std()), 1e-6))


def letterbox(image: np.ndarray, size: int) -> np.ndarray:
    """Fit an image into a square, its aspect kept, the rest filled with its mean.

    Args:
        image: ``(rows, cols)`` float32.
        size: side of the square.

    Returns:
        ``(size, size)`` float32.
    """
    scale = size / max(image.shape)
    rows, cols = (max(1, round(side * scale)) for side in image.shape)
    shrunk = cv2.resize(image, (cols, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (size - rows) // 2, (size - cols) // 2
    borders = top, size - rows - top, left, size - cols - left
    return cv2.copyMakeBorder(shrunk, *borders, cv2.BORDER_CONSTANT, value=float(shrunk.mean()))


class CropClassifier:
    """A trained crop classifier with the names of its classes.

    Attributes:
        network: a Keras model from crops ``(batch, size, size, 1)`` to probabilities ``(batch, classes)``.
        class_names: one name a class.
    """

    def __init__(self, network, class_names: Sequence[str]):
        self.network = network
        self.class_names = tuple(class_names)

    @classmethod
    def load(cls, path: Path | str) -> "CropClassifier":
        """Load ``NAME.keras`` and the ``NAME.json`` with its ``class_names`` beside it.

        Raises:
            SonarDebrisError: one of them is missing or cannot be read.
        """
        path = Path(path)
        try:
            class_names = tuple(json.loads(path.with_suffix(".json").read_text())["class_names"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SonarDebrisError(f"{path.with_suffix('.json')}: no class names ({error})") from error
        return cls(load_network(path), class_names)

    @property
    def size(self) -> int:
        """Side of the crops that the network takes, in pixels."""
        return self.network.input_shape[1]

    def predict(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities of crops.

        Args:
            images: N crops ``(rows, cols)`` of any size, in a frame's orientation (range up).

        Returns:
            ``(N, classes)`` float32, each row summing to 1.
        """
        if not len(images):
            return np.zeros((0, len(self.class_names)), np.float32)
        crops = np.stack([normalise_crop(letterbox(image, self.size)) for image in images])
        return self.network.predict(crops[..., None], batch_size=64, verbose=0)
