"""What is done to a frame before any network sees it."""

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.normalisation import normalise

# A frame with a longer side than this, in pixels, is searched at reduced size, that of the frames that the networks
# learnt from: an object then takes the share of the fan that it took there, and memory stays bounded whatever is read.
MAX_SIDE = 480


def prepare(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The normalised frame, shrunk if it is large, and the ``(4,)`` factors that its boxes shrank by."""
    rows, cols = frame.image.shape
    scale = min(1.0, MAX_SIDE / max(rows, cols))
    if scale == 1.0:
        return normalise(frame.image), np.ones(4, np.float32)
    size = max(1, round(cols * scale)), max(1, round(rows * scale))
    shrunk = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return normalise(shrunk), np.tile(np.float32(size) / np.float32([cols, rows]), 2)
