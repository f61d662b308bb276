"""Plain sliding windows: proposals that never looked at the frame."""

import numpy as np

from sonar_debris.detection.pyramid import WINDOW_SHAPES, pyramid_level, window_boxes
from sonar_debris.networks.objectness import STRIDE, WINDOW


def sliding_windows(shape: tuple[int, int], count: int, rng: np.random.Generator, step: int = 3) -> np.ndarray:
    """Windows of the image pyramid in random order.

    They are the windows that dense objectness scores, so it is better than these by what it has learnt. All are
    equally likely: small ones, of which there are most, come most often, and those beside the fan come too.

    Args:
        shape: (rows, cols) of the frame.
        count: how many windows at most.
        rng: decides the order.
        step: windows are ``4 · step`` pixels of their level apart, at 3 an eighth of their side.

    Returns:
        ``(N, 4)`` float32 boxes in pixels; they may reach beyond the frame by a quarter of their side.
    """
    xyxy = np.concatenate([_windows(shape, window, step) for window in WINDOW_SHAPES])
    return xyxy[rng.permutation(len(xyxy))[:count]]


def _windows(shape: tuple[int, int], window: tuple[int, int], step: int) -> np.ndarray:
    rows, cols = pyramid_level(np.zeros(shape, np.float32), window).shape
    grid = (rows - WINDOW) // (STRIDE * step) + 1, (cols - WINDOW) // (STRIDE * step) + 1
    return window_boxes(grid, window, step).reshape(-1, 4)
