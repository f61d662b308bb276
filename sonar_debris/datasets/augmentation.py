"""Augmentation: sonar effects (gain, attenuation, speckle, focus), blanked rectangles, and affine transforms.

ARIS frames are stored in decibels (0-255 spans 0-80 dB). Gain and speckle multiply the echo, so they are added here.
Windows are ``(size, size)`` and frames ``(rows, cols)``, both float32 and normalised (standard deviation about 1).
"""

from collections.abc import Sequence

import cv2
import numpy as np


def augment_window(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change range gain, gain, focus and speckle at random, in this order.

    Args:
        window: ``(size, size)`` float32, normalised.
        rng: random generator.

    Returns:
        ``(size, size)`` float32.
    """
    window = _change_gain(_change_range_gain(window, rng), rng)
    if rng.random() < 0.3:
        window = _defocus(window, rng)
    return _add_speckle(window, rng) if rng.random() < 0.7 else window


def augment_frame(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Augment a whole frame like a window, and change the gain of regions and beams. 0 outside the fan stays 0.

    Args:
        frame: ``(rows, cols)`` float32, normalised.
        rng: random generator.

    Returns:
        ``(rows, cols)`` float32.
    """
    fan = frame != 0
    if rng.random() < 0.5:
        frame = frame + _patchy_gain(frame.shape, rng)
    gains = cv2.GaussianBlur(rng.standard_normal((1, frame.shape[1]), dtype=np.float32), (0, 0), 3)
    return np.where(fan, augment_window(frame + np.float32(rng.uniform(0, 0.6)) * gains, rng), np.float32(0))


def cut_out(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blank a random rectangle, so that classification does not depend on one part of an object.

    Args:
        window: ``(rows, cols)`` float32, at least 8 × 8.
        rng: random generator.

    Returns:
        A copy with a rectangle of 1/8 to 1/2 of each side set to the mean.

    Reference:
        DeVries and Taylor, Improved Regularization of CNNs with Cutout, 2017, arXiv:1708.04552.
    """
    rows, cols = window.shape
    height, width = rng.integers(rows // 8, rows // 2), rng.integers(cols // 8, cols // 2)
    top, left = rng.integers(0, rows - height), rng.integers(0, cols - width)
    window = window.copy()
    window[top : top + height, left : left + width] = window.mean()
    return window


def _change_gain(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return window * np.float32(np.exp(rng.normal(0, 0.2))) + np.float32(rng.normal(0, 0.25))


def _change_range_gain(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a ramp along range: spreading and absorption that the time-varied gain did not compensate."""
    ramp = np.linspace(-0.5, 0.5, len(window), dtype=np.float32)
    return window + np.float32(rng.normal(0, 0.4)) * ramp[:, None]


def _patchy_gain(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return an uneven illumination, so that a detector does not rely on the brightness of the sea floor."""
    coarse = rng.uniform(0, 0.6) * rng.standard_normal((6, 4), dtype=np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _defocus(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(window, (0, 0), rng.uniform(0.4, 1.5))


def _add_speckle(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add speckle with grains of one pixel, or larger ones, as in a window that magnifies the frame."""
    noise = rng.standard_normal(window.shape, dtype=np.float32)
    if rng.random() < 0.5:
        width = rng.uniform(0.5, 1.5)
        # A Gaussian blur of this width divides the deviation of white noise by about 2 √π width.
        noise = cv2.GaussianBlur(noise, (0, 0), width) * np.float32(2 * np.sqrt(np.pi) * width)
    return window + np.float32(rng.uniform(0, 0.5)) * noise


def transform_boxes(xyxy: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Transform boxes as if each enclosed an ellipse, so that a small rotation hardly enlarges them.

    Args:
        xyxy: ``(N, 4)`` boxes in pixels.
        matrix: ``(2, 3)`` affine matrix.

    Returns:
        ``(N, 4)`` float32 boxes around the transformed ellipses.
    """
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    linear = matrix[:, :2]
    centre, half = centre @ linear.T + matrix[:, 2], np.sqrt(half**2 @ (linear**2).T)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def random_affine(
    rng: np.random.Generator,
    source: Sequence[float] | np.ndarray,
    target: Sequence[float] | np.ndarray,
    max_angle: float,
    max_log_scale: float,
    quarter_turns: bool = False,
) -> np.ndarray:
    """Draw a random rotation and scale, with mirroring in half of the draws.

    Args:
        rng: random generator.
        source: the point (x, y) that is moved to ``target``.
        target: the point (x, y) where ``source`` ends up.
        max_angle: largest rotation either way, in degrees.
        max_log_scale: largest natural logarithm of the scale, up or down.
        quarter_turns: whether to rotate by a random multiple of 90 degrees as well.

    Returns:
        ``(2, 3)`` affine matrix.
    """
    angle = np.deg2rad(rng.uniform(-max_angle, max_angle))
    scale = np.exp(rng.uniform(-max_log_scale, max_log_scale))
    if quarter_turns:
        angle += np.pi / 2 * rng.integers(4)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    return np.column_stack([linear, np.asarray(target) - linear @ np.asarray(source)])
