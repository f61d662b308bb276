"""Convert stored pixels to the grey image of a frame, normalise frames for the networks, and silence OpenCV."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame

MAX_PIXELS = 2**26

_OPENCV_LOG = getattr(cv2.utils, "logging", cv2)  # OpenCV 4 has these functions in cv2 itself
_SILENT = 0


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse a shape that is not that of a frame, before memory is allocated for it.

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
    """Scale stored pixels and convert colour to grey.

    Integers are divided by the maximum of their type; floats and bools keep their values. NaN and negative infinity,
    which simulators write outside the fan and where nothing came back, become 0. An image with negative values is taken
    as decibels: its lowest value becomes 0, and 0 decibels, or the highest value if that is greater, becomes 1. Colour
    becomes the luma of ITU-R BT.601; equal channels give exactly their value.

    Args:
        pixels: ``(rows, cols)`` or ``(rows, cols, channels)`` bool, integer or float; 3 channels are RGB, a fourth
            channel (alpha) is ignored.

    Returns:
        ``(rows, cols)`` float32, finite, not negative.

    Raises:
        ValueError: the pixels have another type, are all NaN, hold positive infinity, or are not a frame.

    Example:
        >>> to_grey(np.array([[-np.inf, -60.0, -30.0, 0.0]]))
        array([[0. , 0. , 0.5, 1. ]], dtype=float32)
    """
    check_shape(pixels.shape)
    image = _scale(np.atleast_3d(pixels)[..., :3])
    is_echo = np.isfinite(image)
    if not is_echo.all():
        _check_not_finite(image)
        image[~is_echo] = 0
    if image.min() < 0:
        image = np.where(is_echo, _scale_decibels(image), np.float32(0))
    return _compute_luma(np.ascontiguousarray(image))


def _scale(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind in "iu":
        scaled: np.ndarray = np.divide(pixels, np.iinfo(pixels.dtype).max, dtype=np.float32)
        return scaled
    if pixels.dtype.kind in "bf":
        with np.errstate(over="ignore"):  # values too large for float32 become infinite, which is refused
            return pixels.astype(np.float32)
    raise ValueError(f"pixels must be bool, integer or float. Received: dtype {pixels.dtype}")


def _check_not_finite(image: np.ndarray) -> None:
    if np.isposinf(image).any():
        raise ValueError("the image holds infinite values, or values too large for float32")
    if np.isnan(image).all():
        raise ValueError("the image holds NaN only")


def _scale_decibels(image: np.ndarray) -> np.ndarray:
    """Scale decibels to [0, 1]; the zeros that replace pixels without echo must not be its lowest value."""
    floor, full_scale = np.float64(image.min()), max(0.0, np.float64(image.max()))
    scaled: np.ndarray = ((image - floor) / (full_scale - floor)).astype(np.float32)
    return scaled


def _compute_luma(image: np.ndarray) -> np.ndarray:
    if (image == image[..., :1]).all():  # the luma's rounding would change grey data that is stored as colour
        grey: np.ndarray = image[..., 0].copy()
        return grey
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


@contextmanager
def silent_opencv() -> Iterator[None]:
    """Keep OpenCV's own messages off stderr: the reader reports a damaged file in one line."""
    level = _OPENCV_LOG.getLogLevel()
    _OPENCV_LOG.setLogLevel(_SILENT)
    try:
        yield
    finally:
        _OPENCV_LOG.setLogLevel(level)


# A frame with more rows or columns is reduced. Its range, which runs upwards, then takes as many rows as in the frames
# that the networks were trained on, and so do its objects. A fan of 130 degrees is not quite twice as wide as high.
MAX_ROWS, MAX_COLS = 480, 960

# Values of normalised frames, in standard deviations from the mean, are limited to these.
LOWEST, HIGHEST = -4, 8
# A frame with more than 8 bits that is darker than this is brightened in 8 bits: 12 bits stored as 16 give 0.06.
MIN_WHITE = 0.07


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
    return np.clip(np.where(fan, scaled, 0), LOWEST, HIGHEST).astype(np.float32)


def white_level(image: np.ndarray) -> float:
    """Return the value that becomes white in 8 bits: 1, unless the frame would be white, or black, altogether.

    If some pixel is brighter than 1, or if all are darker than `MIN_WHITE` and have more than 8 bits, it is the highest
    value that detection distinguishes: that of the brightest pixel, but at most 8 standard deviations above the mean
    over the fan, as in `normalise`.

    Args:
        image: ``(rows, cols)``, not negative; 0 outside the fan.

    Returns:
        The value, greater than 0.

    Example:
        >>> white_level(np.float32([[0, 20, 80]])), white_level(np.float32([[0, 0.5]]))
        (80.0, 1.0)
    """
    highest = float(image.max(initial=0))
    is_dark = 0 < highest < MIN_WHITE and not np.allclose(image * 255, np.rint(image * 255), rtol=0, atol=1e-3)
    if not (highest > 1 or is_dark):
        return 1.0
    echoes = image[image > 0].astype(np.float64)
    return min(highest, float(echoes.mean() + HIGHEST * echoes.std()))


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
