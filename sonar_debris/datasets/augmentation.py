"""Changes that a sonar, not a camera, makes to a window: gain, attenuation with range, speckle, focus.

ARIS frames are stored in decibels (0-255 spans 0-80 dB), so speckle and gain, multiplicative in the echo, are
additive here. All windows are ``(size, size)`` float32 of normalised frames (deviation about 1).

MERGED:
Turns, scales, shifts and mirrorings of frames and of the boxes in them.
"""

from collections.abc import Sequence

import cv2
import numpy as np


def augment_window(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gain, range gain, focus and speckle, in the order in which a sonar applies them."""
    window = _gain(_range_gain(window, rng), rng)
    if rng.random() < 0.3:
        window = _defocus(window, rng)
    return _speckle(window, rng) if rng.random() < 0.7 else window


def augment_frame(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What happens to a window happens to a whole frame; beams and regions differ in gain; 0 outside the fan stays."""
    fan = frame != 0
    if rng.random() < 0.5:
        frame = frame + _patchy_gain(frame.shape, rng)
    gains = cv2.GaussianBlur(rng.standard_normal((1, frame.shape[1]), dtype=np.float32), (0, 0), 3)
    return np.where(fan, augment_window(frame + np.float32(rng.uniform(0, 0.6)) * gains, rng), np.float32(0))


def cut_out(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blank a rectangle of up to half the side, so that no single part of an object decides.

    Reference:
        DeVries and Taylor, Improved Regularization of CNNs with Cutout, 2017, arXiv:1708.04552.
    """
    rows, cols = window.shape
    height, width = rng.integers(rows // 8, rows // 2), rng.integers(cols // 8, cols // 2)
    top, left = rng.integers(0, rows - height), rng.integers(0, cols - width)
    window = window.copy()
    window[top : top + height, left : left + width] = window.mean()
    return window


def _gain(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return window * np.float32(np.exp(rng.normal(0, 0.2))) + np.float32(rng.normal(0, 0.25))


def _range_gain(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spreading and absorption that the sonar's time-varied gain did not match: a ramp along range."""
    ramp = np.linspace(-0.5, 0.5, len(window), dtype=np.float32)
    return window + np.float32(rng.normal(0, 0.4)) * ramp[:, None]


def _patchy_gain(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Sea floor that is lit unevenly, so that an object cannot be told by how bright its place is."""
    coarse = np.float32(rng.uniform(0, 0.6)) * rng.standard_normal((6, 4), dtype=np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _defocus(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(window, (0, 0), rng.uniform(0.4, 1.5))


def _speckle(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Speckle as wide as the window's pixels are, or wider where the window magnifies the frame."""
    noise = rng.standard_normal(window.shape, dtype=np.float32)
    if rng.random() < 0.5:
        width = rng.uniform(0.5, 1.5)
        # Blurring by a Gaussian of this width divides white noise's deviation by about 2 √π times it.
        noise = cv2.GaussianBlur(noise, (0, 0), width) * np.float32(2 * np.sqrt(np.pi) * width)
    return window + np.float32(rng.uniform(0, 0.5)) * noise


def transform_boxes(xyxy: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Boxes ``(N, 4)`` around the moved ellipses that the boxes enclose: a turn makes them hardly larger."""
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    linear = motion[:, :2]
    centre, half = centre @ linear.T + motion[:, 2], np.sqrt(half**2 @ (linear**2).T)
    return np.float32(np.concatenate([centre - half, centre + half], axis=1))


def random_affine(
    rng: np.random.Generator,
    source: Sequence[float],
    goal: Sequence[float],
    turn: float,
    stretch: float,
    quarters: bool = False,
) -> np.ndarray:
    """A turn of up to ``turn`` degrees and a scale of up to e^``stretch`` either way, mirrored half of the time.

    Args:
        rng: random generator.
        source: the point, x and y, that is moved to ``goal``.
        goal: where to.
        turn: highest, in degrees.
        stretch: highest, as a logarithm.
        quarters: turn by a multiple of 90 degrees as well.

    Returns:
        ``(2, 3)`` affine matrix.
    """
    angle, scale = np.deg2rad(rng.uniform(-turn, turn)), np.exp(rng.uniform(-stretch, stretch))
    if quarters:
        angle += np.pi / 2 * rng.integers(4)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    return np.column_stack([linear, np.asarray(goal) - linear @ np.asarray(source)])
