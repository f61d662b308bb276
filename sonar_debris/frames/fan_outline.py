"""The outline of a fan, measured on the black around it."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from sonar_debris.frames.geometry import FanGeometry

# Highest value of black, as a fraction of the brightest pixel: black in lossy images is not exactly 0.
BLACK = 0.012
# Lowest IoU of the measured fan and the bright pixels.
MIN_IOU = 0.9
# Number of bearings at which the nearest and the farthest pixel are measured.
BEARINGS = 64
# Size in pixels of the closing that fills dark echoes.
CLOSING_SIZE = 9
# Smallest difference between the slopes of the fan's sides: a field of view of one degree.
MIN_SLOPE_DIFFERENCE = 0.02
# Number of lines that are tried for a side of the fan, and the largest distance in pixels of a point on a line.
LINES, LINE_WIDTH = 200, 1.0
# Outlines agree if ranges differ by less than this fraction of the maximum range, and bearings by less than this many
# degrees. Speckle alone makes them differ by up to 1.5 % and 0.8 degrees; the two range windows of the watertank
# recordings differ by 8 % and 3 degrees.
RANGE_TOLERANCE, BEARING_TOLERANCE = 0.03, 1.5
# A larger mask is thinned out before radii and areas are measured: more pixels would not make them more accurate.
MAX_SIDE = 1024

PROBLEM = "its outline is not that of a fan on black; give --range-min, --range-max and --fov"


class FanOutline(NamedTuple):
    """The outline of a fan in its frame, in pixels.

    Attributes:
        apex: x and y of the point where the sides meet.
        min_radius: distance of the nearest echoes from the apex.
        max_radius: distance of the farthest echoes from the apex.
        field_of_view: angle between the sides, in degrees.
    """

    apex: tuple[float, float]
    min_radius: float
    max_radius: float
    field_of_view: float

    def to_fan(self, max_range: float) -> FanGeometry:
        """Return the fan whose farthest echoes have a range in metres."""
        scale = max_range / self.max_radius
        return FanGeometry(self.apex, scale, self.min_radius * scale, max_range, self.field_of_view)

    def agrees_with(self, other: "FanOutline") -> bool:
        """Return whether another outline gives about the same ranges and bearings to the pixels of the fan."""
        half_view = self.field_of_view / 2
        polar = np.stack(np.meshgrid([0.4, 0.7, 1.0], [-half_view, 0.0, half_view]), axis=-1)
        differences = np.abs(other.to_fan(1.0).to_polar(self.to_fan(1.0).from_polar(polar)) - polar)
        return bool((differences <= [RANGE_TOLERANCE, BEARING_TOLERANCE]).all())


def find_bright(image: np.ndarray, crop: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Return which pixels are not black, together with the dark echoes between them.

    Args:
        image: ``(rows, cols)``.
        crop: left, top, right and bottom of the part to look at; None for all of it.

    Returns:
        ``(rows, cols)`` bool; False outside the crop.
    """
    left, top, right, bottom = crop or (0, 0, image.shape[1], image.shape[0])
    part = image[top:bottom, left:right]
    # Closing adds the dark echoes inside the fan. The margin keeps it from connecting the fan to the frame's edge.
    bright = np.pad((part > BLACK * part.max()).astype(np.uint8), CLOSING_SIZE)
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((CLOSING_SIZE, CLOSING_SIZE), np.uint8))
    mask = np.zeros(image.shape, bool)
    mask[top:bottom, left:right] = closed[CLOSING_SIZE:-CLOSING_SIZE, CLOSING_SIZE:-CLOSING_SIZE]
    return mask


def measure_outline(mask: np.ndarray, apex: tuple[float, float] | None = None) -> FanOutline:
    """Measure the outline of a fan.

    Args:
        mask: ``(rows, cols)`` bool, which pixels are not black: see `find_bright`.
        apex: x and y of the sonar in pixels, if it is known; the axis of the fan is then vertical.

    Returns:
        The outline.

    Raises:
        ValueError: the pixels do not have the outline of a fan.
    """
    return _measure_packed(np.packbits(mask).tobytes(), *mask.shape, apex)


# Frames without noise have the same mask, which is then measured once.
@lru_cache(maxsize=8)
def _measure_packed(mask_bits: bytes, rows: int, cols: int, apex: tuple[float, float] | None) -> FanOutline:
    bits = np.frombuffer(mask_bits, np.uint8)
    mask = np.unpackbits(bits, count=rows * cols).reshape(rows, cols).astype(bool)
    if np.count_nonzero(mask.any(axis=1)) < 16:
        raise ValueError(PROBLEM)
    if apex is None:
        apex, field_of_view = _measure_sides(mask)
    else:
        field_of_view = _measure_field_of_view(mask, apex)
    min_radius, max_radius = _measure_radii(mask, apex, field_of_view)
    outline = FanOutline(apex, min_radius, max_radius, field_of_view)
    if compute_iou(thin(mask), draw_inside(outline.to_fan(1.0), mask.shape)) < MIN_IOU:
        raise ValueError(PROBLEM)
    return outline


def _measure_sides(mask: np.ndarray) -> tuple[tuple[float, float], float]:
    """Return the point where the sides meet, and the angle between them in degrees."""
    bright_rows = np.flatnonzero(mask.any(axis=1))
    left_slope, left_x = _fit_line(bright_rows + 0.5, mask[bright_rows].argmax(axis=1))
    right_slope, right_x = _fit_line(bright_rows + 0.5, mask.shape[1] - mask[bright_rows, ::-1].argmax(axis=1))
    if left_slope - right_slope < MIN_SLOPE_DIFFERENCE:
        raise ValueError(PROBLEM)
    y = (right_x - left_x) / (left_slope - right_slope)
    field_of_view = float(np.degrees(np.arctan(left_slope) - np.arctan(right_slope)))
    return (left_x + left_slope * y, y), field_of_view


def _fit_line(rows: np.ndarray, edge: np.ndarray) -> tuple[float, float]:
    """Return slope and x at row 0 of the straight side among the edge's points; those of the arc are outliers.

    Reference:
        Fischler and Bolles, Random sample consensus, 1981, https://doi.org/10.1145/358669.358692.
    """
    first, second = np.random.default_rng(0).integers(0, len(rows), (2, LINES))
    first, second = first[first != second], second[first != second]
    slopes = (edge[second] - edge[first]) / (rows[second] - rows[first])
    distances = np.abs(edge - edge[first, None] - slopes[:, None] * (rows - rows[first, None]))
    on_line = distances[np.count_nonzero(distances < LINE_WIDTH, axis=1).argmax()] < LINE_WIDTH
    slope, x = np.polyfit(rows[on_line], edge[on_line], 1)
    return float(slope), float(x)


def _measure_field_of_view(mask: np.ndarray, apex: tuple[float, float]) -> float:
    """Return the angle in degrees between the sides of a fan whose apex is known: the median over the rows."""
    rows = np.flatnonzero(mask.any(axis=1) & (np.arange(len(mask)) + 0.5 < apex[1]))
    if not len(rows):
        raise ValueError(PROBLEM)
    left = apex[0] - mask[rows].argmax(axis=1)
    right = mask.shape[1] - mask[rows, ::-1].argmax(axis=1) - apex[0]
    bearings = np.degrees(np.arctan2(np.maximum(left, right), apex[1] - rows - 0.5))
    return float(2 * np.median(bearings))


def _measure_radii(mask: np.ndarray, apex: tuple[float, float], field_of_view: float) -> tuple[float, float]:
    """Return the distances of the nearest and of the farthest pixel: medians over bearings well inside the fan."""
    step = _thinning(mask.shape)
    y, x = np.nonzero(thin(mask))
    right, ahead = x * step + 0.5 - apex[0], apex[1] - y * step - 0.5
    distance, bearing = np.hypot(right, ahead), np.degrees(np.arctan2(right, ahead))
    inside = np.abs(bearing) < 0.45 * field_of_view
    if not inside.any():
        raise ValueError(PROBLEM)
    position = bearing[inside] / (0.9 * field_of_view) + 0.5
    bins = np.floor(position * BEARINGS).astype(int).clip(0, BEARINGS - 1)
    nearest, farthest = np.full(BEARINGS, np.inf), np.full(BEARINGS, -np.inf)
    np.minimum.at(nearest, bins, distance[inside])
    np.maximum.at(farthest, bins, distance[inside])
    filled = np.isfinite(farthest)
    # Distances are those of pixel centres: half a pixel is missing at either end.
    return max(0.0, float(np.median(nearest[filled])) - 0.5), float(np.median(farthest[filled])) + 0.5


def draw_inside(fan: FanGeometry, shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixels of a frame lie inside a fan.

    Args:
        fan: the fan.
        shape: rows and columns of the frame.

    Returns:
        ``(rows, cols)`` bool, thinned out as by `thin`.
    """
    step = _thinning(shape)
    y, x = np.mgrid[: shape[0] : step, : shape[1] : step]
    return fan.contains(np.stack([x, y], axis=-1) + 0.5)


def thin(mask: np.ndarray) -> np.ndarray:
    """Return every n-th pixel of a mask, so that its sides have less than ``2 * MAX_SIDE`` pixels."""
    step = _thinning(mask.shape)
    return mask[::step, ::step]


def compute_iou(mask: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over union of two masks.

    Args:
        mask: ``(rows, cols)`` bool.
        other: ``(rows, cols)`` bool.

    Returns:
        The IoU in [0, 1]; 0 if both masks are empty.
    """
    union = int(np.count_nonzero(mask | other))
    return int(np.count_nonzero(mask & other)) / union if union else 0.0


def _thinning(shape: tuple[int, ...]) -> int:
    return max(1, max(shape) // MAX_SIDE)
