"""Make frames comparable whatever the sonar's gain."""

import numpy as np


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
