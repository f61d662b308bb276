"""From beams and range samples to the fan, and back."""

from functools import lru_cache

import cv2
import numpy as np

from sonar_debris.frames.geometry import FanGeometry

# Rows of the fan that a recording is converted to: as detection sees it, more would be shrunk again.
ROWS = 640
MAX_COLS = 4 * ROWS
# A sample that there is not: its pixels are 0.
OUTSIDE = -2


@lru_cache(maxsize=8)
def _pixel_maps(
    fan: FanGeometry, bearings: bytes, first: float, step: float, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of the fan the beam and the sample that it shows, as OpenCV's fixed-point maps."""
    rows, cols = fan.shape
    x, y = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    xy = np.stack([x, y], axis=-1)
    distance, bearing = np.moveaxis(fan.to_polar(xy), -1, 0)
    bearings = np.frombuffer(bearings)
    # Beyond the centres of the outermost beams half a beam's width still belongs to them.
    beam = np.interp(bearing, bearings, np.arange(len(bearings)))
    sample = np.where(fan.contains(xy), np.clip((distance - first) / step, 0, samples - 1), OUTSIDE)
    return cv2.convertMaps(np.float32(beam), np.float32(sample), cv2.CV_16SC2)


def convert_scan(echoes: np.ndarray, bearings: np.ndarray, first: float, step: float) -> tuple[np.ndarray, FanGeometry]:
    """Scan-convert to a fan of ``ROWS`` rows, or fewer if it is very wide, from edge to edge of beams and samples.

    Args:
        echoes: ``(samples, beams)``, nearest range and leftmost beam first; at least two beams.
        bearings: ``(beams,)`` rising, in degrees.
        first: range of the first sample in metres.
        step: from sample to sample in metres.

    Returns:
        The frame ``(rows, cols)`` of the dtype of ``echoes``, 0 outside the fan, and its geometry.

    Raises:
        ValueError: the window or the bearings make no fan.
    """
    fan = enclosing_fan(bearings, first, step, len(echoes))
    # Of samples closer than the rows, each row shows the mean: picking one of them would show more speckle.
    averaged = max(1, min(len(echoes), int(fan.metres_per_pixel / step)))
    if averaged > 1:
        count = len(echoes) // averaged
        kept = np.ascontiguousarray(echoes[: count * averaged])
        echoes = cv2.resize(kept, (echoes.shape[1], count), interpolation=cv2.INTER_AREA)
        first, step = first + step * (averaged - 1) / 2, step * averaged
    return to_fan(echoes, fan, bearings, first, step), fan


def enclosing_fan(bearings: np.ndarray, first: float, step: float, samples: int) -> FanGeometry:
    """The fan of ``ROWS`` rows, or fewer, from edge to edge of beams and samples, as `convert_scan` fills it."""
    # To the edge of the outermost beam is half as far as from its centre to its neighbour's.
    edges = bearings[[0, -1]] + (bearings[[0, -1]] - bearings[[1, -2]]) / 2
    window = first, first + samples * step, float(2 * np.abs(edges).max())
    fan = FanGeometry.of_window(ROWS, *window)
    if fan.shape[1] > MAX_COLS:  # far off and short, as a damaged header may have it, a fan is a thin arc
        fan = FanGeometry.of_window(max(1, ROWS * MAX_COLS // fan.shape[1]), *window)
    if fan.shape[1] > 2 * MAX_COLS:
        raise ValueError(f"its range window of {window[0]:g} to {window[1]:g} m is no fan that can be shown")
    return fan


def to_fan(echoes: np.ndarray, fan: FanGeometry, bearings: np.ndarray, first: float, step: float) -> np.ndarray:
    """Scan-convert, bilinear between beams and samples.

    Args:
        echoes: ``(samples, beams)``, nearest range and leftmost beam first.
        fan: the frame to fill.
        bearings: ``(beams,)`` rising, in degrees.
        first: range of the first sample in metres.
        step: from sample to sample in metres.

    Returns:
        ``fan.shape``, of the dtype of ``echoes``; 0 outside the fan.
    """
    maps = _pixel_maps(fan, np.asarray(bearings, float).tobytes(), first, step, len(echoes))
    return cv2.remap(np.ascontiguousarray(echoes), *maps, cv2.INTER_LINEAR)


def to_echoes(
    image: np.ndarray, fan: FanGeometry, bearings: np.ndarray, first: float, step: float, samples: int
) -> np.ndarray:
    """The inverse of `to_fan`: ``(samples, beams)``, bilinear between pixels."""
    distance, bearing = np.meshgrid(first + step * np.arange(samples), bearings, indexing="ij")
    xy = np.float32(fan.from_polar(np.stack([distance, bearing], axis=-1)) - 0.5)
    return cv2.remap(image, xy[..., 0], xy[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
