"""Changes that a sonar, not a camera, makes to a window: gain, attenuation with range, speckle, focus.

ARIS frames are stored in decibels (0-255 spans 0-80 dB), so speckle and gain, multiplicative in the echo, are
additive here. All windows are ``(size, size)`` float32 of normalised frames (deviation about 1).
"""

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
