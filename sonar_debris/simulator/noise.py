"""Random fields that speckle, reverberation and texture are made of."""

import cv2
import numpy as np


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], rows: float, cols: float) -> np.ndarray:
    """Normal noise of unit variance whose patches are about ``rows`` × ``cols`` large.

    Args:
        rng: source of randomness.
        shape: ``(height, width)`` of the field.
        rows: patch height in samples, at least 1.
        cols: patch width in samples, at least 1.

    Returns:
        ``(height, width)`` float32.
    """
    coarse = (max(2, round(shape[0] / rows)), max(2, round(shape[1] / cols)))
    field = rng.standard_normal(coarse, dtype=np.float32)
    field = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return field / field.std()


def speckle(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Multiplicative speckle of a backscattered power, ``(samples, beams)`` float32 of mean 1.

    Fully developed speckle is exponential; neighbouring beams see a part of the same cells, which leaves about
    1.2 looks and the spread measured on recorded frames, 14 grey levels of 255 over 80 dB.
    """
    field = rng.standard_exponential(shape, dtype=np.float32)
    return cv2.filter2D(field, -1, np.array([[0.05, 0.9, 0.05]], np.float32))
