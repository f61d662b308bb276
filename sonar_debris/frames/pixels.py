"""From pixels as stored to a frame's grey image."""

import cv2
import numpy as np

MAX_PIXELS = 2**26


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse a shape that is no single frame, before memory is spent on it.

    Args:
        shape: ``(rows, cols)`` or ``(rows, cols, channels)`` with 1, 3 or 4 channels.

    Raises:
        ValueError: the shape is neither, has no pixels, or has more than ``MAX_PIXELS``.
    """
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise ValueError(f"a frame is (rows, cols) or (rows, cols, 1, 3 or 4). Received: shape {shape}")
    if min(shape) < 1:
        raise ValueError(f"the image has no pixels. Received: shape {shape}")
    if shape[0] * shape[1] > MAX_PIXELS:
        raise ValueError(f"the image is too large: at most {MAX_PIXELS} pixels. Received: shape {shape}")


def to_grey(pixels: np.ndarray) -> np.ndarray:
    """Scale stored pixels and turn colour into grey.

    Args:
        pixels: ``(rows, cols)`` or ``(rows, cols, channels)`` bool, integer or float; 3 channels are RGB,
            a fourth (alpha) is ignored.

    Returns:
        ``(rows, cols)`` float32, finite, not negative: integers divided by their type's maximum, floats and
        bools as they are, colour by the luma of ITU-R BT.601; equal channels give exactly their value.

    Raises:
        ValueError: the pixels are of another type, negative, not finite, or not a frame's shape.
    """
    check_shape(pixels.shape)
    image = _scale(np.atleast_3d(pixels)[..., :3])
    if not np.isfinite(image).all():
        raise ValueError("the image holds NaN or infinite values")
    if image.min() < 0:
        raise ValueError(f"the image holds negative values. Received: minimum {image.min():g}")
    return _luma(np.ascontiguousarray(image))


def _scale(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind in "iu":
        return np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32)
    if pixels.dtype.kind in "bf":
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused
            return pixels.astype(np.float32)
    raise ValueError(f"pixels must be bool, integer or float. Received: dtype {pixels.dtype}")


def _luma(image: np.ndarray) -> np.ndarray:
    if (image == image[..., :1]).all():  # the luma's rounding would change grey data stored as colour
        return image[..., 0].copy()
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
