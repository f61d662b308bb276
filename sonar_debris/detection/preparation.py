"""What is done to a frame before any network sees it."""

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.normalisation import normalise

# A larger frame is searched at reduced size: its range, which runs up, then takes as many rows as in the frames that
# the networks learnt from, and so do its objects. A fan of 130 degrees is not quite twice as wide as it is high.
MAX_ROWS, MAX_COLS = 480, 960


def prepare(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The normalised frame, shrunk if it is large, and the ``(4,)`` factors that its boxes shrank by."""
    rows, cols = frame.image.shape
    scale = min(1.0, MAX_ROWS / rows, MAX_COLS / cols)
    if scale == 1.0:
        return normalise(frame.image), np.ones(4, np.float32)
    size = max(1, round(cols * scale)), max(1, round(rows * scale))
    shrunk = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return normalise(shrunk), np.tile(np.float32(size) / np.float32([cols, rows]), 2)
