"""Prepare frames for the networks: normalise the gain, reduce large frames."""

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame

# A frame with more rows or columns is reduced. Its range, which runs upwards, then takes as many rows as in the frames
# that the networks were trained on, and so do its objects. A fan of 130 degrees is not quite twice as wide as high.
MAX_ROWS, MAX_COLS = 480, 960


def normalise(image: np.ndarray) -> np.ndarray:
    """Scale an image to zero mean and unit standard deviation over the fan.

    The result does not depend on the sonar's gain. The black area around the fan has no echoes, so that it is left out
    of the statistics; it is set to 0, the mean of the fan, so that the fan's border is no artificial edge.

    Args:
        image: ``(rows, cols)``, not negative; 0 outside the fan.

    Returns:
        ``(rows, cols)`` float32 in [-4, 8]; all 0 for an image without echoes or without contrast.
    """
    fan = image > 0
    # In float32, rounding would give a flat image a deviation, and overflow would give a bright one none.
    echoes = image[fan].astype(np.float64)
    deviation = echoes.std() if echoes.size else 0
    if deviation == 0:
        return np.zeros(image.shape, np.float32)
    scaled = (image - echoes.mean()) / deviation
    return np.clip(np.where(fan, scaled, 0), -4, 8).astype(np.float32)


def preprocess(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Normalise a frame, and reduce it to ``MAX_ROWS`` by ``MAX_COLS`` if it is larger.

    Returns:
        The image ``(rows, cols)`` float32, and the factors ``(4,)`` float32 that convert ``xyxy`` boxes of the frame to
        boxes of the image.
    """
    rows, cols = frame.image.shape
    scale = min(1.0, MAX_ROWS / rows, MAX_COLS / cols)
    if scale == 1.0:
        return normalise(frame.image), np.ones(4, np.float32)
    size = max(1, round(cols * scale)), max(1, round(rows * scale))
    reduced = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return normalise(reduced), np.tile(np.array(size, np.float32) / np.array([cols, rows], np.float32), 2)
