"""Make frames comparable whatever the sonar's gain.

MERGED:
What is done to a frame before any network sees it.
"""

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame


def normalise(image: np.ndarray) -> np.ndarray:
    """Zero mean and unit deviation over the fan.

    The black surround carries no echo, so it takes no part in the statistics; it comes out at the level of
    the fan's mean, 0, so that it draws no edge of its own.

    Args:
        image: ``(rows, cols)`` non-negative values; 0 outside the fan.

    Returns:
        ``(rows, cols)`` float32 in [-4, 8]; all 0 for a frame without echo or without contrast.
    """
    fan = image > 0
    # In float32 a flat frame would get a spread from rounding, and a bright one none, from overflow.
    echoes = image[fan].astype(np.float64)
    spread = echoes.std() if echoes.size else 0
    if spread == 0:
        return np.zeros(image.shape, np.float32)
    scaled = (image - echoes.mean()) / spread
    return np.clip(np.where(fan, scaled, 0), -4, 8).astype(np.float32)


# A larger frame is searched at reduced size: its range, which runs up, then takes as many rows as in the frames that
# the networks learnt from, and so do its objects. A fan of 130 degrees is not quite twice as wide as it is high.
MAX_ROWS, MAX_COLS = 480, 960


def preprocess(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """The normalised frame, shrunk if it is large, and the ``(4,)`` factors that its boxes shrank by."""
    rows, cols = frame.image.shape
    scale = min(1.0, MAX_ROWS / rows, MAX_COLS / cols)
    if scale == 1.0:
        return normalise(frame.image), np.ones(4, np.float32)
    size = max(1, round(cols * scale)), max(1, round(rows * scale))
    shrunk = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return normalise(shrunk), np.tile(np.float32(size) / np.float32([cols, rows]), 2)
