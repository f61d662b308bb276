"""The fan of plain images: from the sonar's settings that the user knows, or measured on the black around it."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from sklearn.linear_model import RANSACRegressor

from sonar_debris.frames.frame import Frame
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

_PROBLEM = "its outline is not that of a fan on black; give --range-min, --range-max and --fov"


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


@dataclass(frozen=True)
class RangeWindow:
    """The settings of the sonar that the user knows, for frames without geometry.

    Args:
        max_range: range of the farthest echoes, in metres.
        min_range: range of the nearest echoes, in metres; used only with ``field_of_view``.
        field_of_view: angle between the sides of the fan in degrees, or None. If it is given, the fan fills the frame
            from its first row to its last, with its axis in the middle. Otherwise it is measured on the black around
            it.
    """

    max_range: float
    min_range: float = 0.0
    field_of_view: float | None = None

    def add_to(self, frame: Frame) -> Frame:
        """Return a frame with its fan; a frame that has a geometry already is returned as it is.

        Raises:
            ValueError: the settings are not those of a fan, or the outline cannot be measured.
        """
        return frame if frame.geometry else replace(frame, geometry=self._compute_fan(frame.image))

    def _compute_fan(self, image: np.ndarray) -> FanGeometry:
        if self.field_of_view is None:
            outline = measure_outline(image)
            scale = self.max_range / outline.max_radius
            min_range = outline.min_radius * scale
            return FanGeometry(outline.apex, scale, min_range, self.max_range, outline.field_of_view)
        rows, cols = image.shape
        fan = FanGeometry.of_window(rows, self.min_range, self.max_range, self.field_of_view)
        return replace(fan, apex=(cols / 2, fan.apex[1]))


def measure_outline(image: np.ndarray) -> FanOutline:
    """Measure the outline of a fan.

    Args:
        image: ``(rows, cols)``, black outside the fan.

    Returns:
        The outline.

    Raises:
        ValueError: the bright pixels do not have the outline of a fan.
    """
    # Closing adds the dark echoes inside the fan. The margin keeps it from connecting the fan to the frame's edge.
    bright = np.pad((image > BLACK * image.max()).astype(np.uint8), CLOSING_SIZE)
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((CLOSING_SIZE, CLOSING_SIZE), np.uint8))
    closed = closed[CLOSING_SIZE:-CLOSING_SIZE, CLOSING_SIZE:-CLOSING_SIZE]
    rows, cols = image.shape
    return _measure_mask(closed.tobytes(), rows, cols)


# The frames of a recording usually have the same outline, which is then measured once.
@lru_cache(maxsize=8)
def _measure_mask(mask_bytes: bytes, rows: int, cols: int) -> FanOutline:
    mask = np.frombuffer(mask_bytes, np.uint8).reshape(rows, cols).astype(bool)
    bright_rows = np.flatnonzero(mask.any(axis=1))
    if len(bright_rows) < 16:
        raise ValueError(_PROBLEM)
    left_edge = mask[bright_rows].argmax(axis=1)
    right_edge = cols - mask[bright_rows, ::-1].argmax(axis=1)
    left_slope, left_x = _fit_line(bright_rows + 0.5, left_edge)
    right_slope, right_x = _fit_line(bright_rows + 0.5, right_edge)
    if left_slope - right_slope < MIN_SLOPE_DIFFERENCE:
        raise ValueError(_PROBLEM)
    y = (right_x - left_x) / (left_slope - right_slope)
    apex = (left_x + left_slope * y, y)
    field_of_view = float(np.degrees(np.arctan(left_slope) - np.arctan(right_slope)))
    min_radius, max_radius = _measure_radii(mask, apex, field_of_view)
    if _compute_iou(mask, FanGeometry(apex, 1.0, min_radius, max_radius, field_of_view)) < MIN_IOU:
        raise ValueError(_PROBLEM)
    return FanOutline(apex, min_radius, max_radius, field_of_view)


def _fit_line(rows: np.ndarray, edge: np.ndarray) -> tuple[float, float]:
    """Return slope and x at row 0 of the straight side among the edge's points; those of the arc are outliers."""
    line = RANSACRegressor(min_samples=2, residual_threshold=1.0, random_state=0).fit(rows[:, None], edge)
    return float(line.estimator_.coef_[0]), float(line.estimator_.intercept_)


def _measure_radii(mask: np.ndarray, apex: tuple[float, float], field_of_view: float) -> tuple[float, float]:
    """Return the distances of the nearest and of the farthest pixel: medians over bearings well inside the fan."""
    y, x = np.nonzero(mask)
    right, ahead = x + 0.5 - apex[0], apex[1] - y - 0.5
    distance, bearing = np.hypot(right, ahead), np.degrees(np.arctan2(right, ahead))
    inside = np.abs(bearing) < 0.45 * field_of_view
    if not inside.any():
        return 0.0, 1.0
    position = bearing[inside] / (0.9 * field_of_view) + 0.5
    bins = np.floor(position * BEARINGS).astype(int).clip(0, BEARINGS - 1)
    nearest, farthest = np.full(BEARINGS, np.inf), np.full(BEARINGS, -np.inf)
    np.minimum.at(nearest, bins, distance[inside])
    np.maximum.at(farthest, bins, distance[inside])
    filled = np.isfinite(farthest)
    # Distances are those of pixel centres: half a pixel is missing at either end.
    return max(0.0, float(np.median(nearest[filled])) - 0.5), float(np.median(farthest[filled])) + 0.5


def _compute_iou(mask: np.ndarray, fan: FanGeometry) -> float:
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    inside = fan.contains(np.stack([x, y], axis=-1) + 0.5)
    return float(np.count_nonzero(mask & inside) / np.count_nonzero(mask | inside))
