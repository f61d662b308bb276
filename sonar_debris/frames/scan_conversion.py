"""From beams and range samples to the fan, and back."""

from functools import lru_cache

import cv2
import numpy as np

from sonar_debris.frames.geometry import FanGeometry

# Rows of the fan that a recording is converted to: as detection sees it, more would be shrunk again.
ROWS = 640


@lru_cache(maxsize=8)
def _pixel_maps(fan: FanGeometry, bearings: tuple[float, ...], first: float, step: float) -> tuple[np.ndarray, ...]:
    """For each pixel of the fan the beam and the sample that it shows, float32, and whether it lies in the fan."""
    rows, cols = fan.shape
    x, y = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    xy = np.stack([x, y], axis=-1)
    distance, bearing = np.moveaxis(fan.to_polar(xy), -1, 0)
    # Beyond the centres of the outermost beams half a beam's width still belongs to them.
    beam = np.interp(bearing, bearings, np.arange(len(bearings)))
    return np.float32(beam), np.float32((distance - first) / step), fan.contains(xy)


def convert_scan(echoes: np.ndarray, bearings: np.ndarray, first: float, step: float) -> tuple[np.ndarray, FanGeometry]:
    """Scan-convert to a fan of ``ROWS`` rows that reaches from edge to edge of beams and samples.

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
    fan = fan_around(bearings, first, step, len(echoes))
    return to_fan(echoes, fan, bearings, first, step), fan


def fan_around(bearings: np.ndarray, first: float, step: float, samples: int) -> FanGeometry:
    """The fan of ``ROWS`` rows from edge to edge of beams and samples, as `convert_scan` fills it."""
    # To the edge of the outermost beam is half as far as from its centre to its neighbour's.
    edges = bearings[[0, -1]] + (bearings[[0, -1]] - bearings[[1, -2]]) / 2
    return FanGeometry.of_window(ROWS, first, first + samples * step, float(2 * np.abs(edges).max()))


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
    beam, sample, inside = _pixel_maps(fan, tuple(map(float, bearings)), first, step)
    image = cv2.remap(np.ascontiguousarray(echoes), beam, sample, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image[~inside] = 0
    return image


def to_echoes(
    image: np.ndarray, fan: FanGeometry, bearings: np.ndarray, first: float, step: float, samples: int
) -> np.ndarray:
    """The inverse of `to_fan`: ``(samples, beams)``, bilinear between pixels."""
    distance, bearing = np.meshgrid(first + step * np.arange(samples), bearings, indexing="ij")
    xy = np.float32(fan.from_polar(np.stack([distance, bearing], axis=-1)) - 0.5)
    return cv2.remap(image, xy[..., 0], xy[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
