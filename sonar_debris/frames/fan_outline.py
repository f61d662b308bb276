"""Measures a fan's outline on the black around it.

MERGED:
The fan of plain images, from what the user knows of the sonar's settings.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from sklearn.linear_model import RANSACRegressor

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry

# Black in lossy pictures is not quite 0: a share of the brightest pixel.
BLACK = 0.012
# Share of the fan and the bright part together that both must share.
LEAST_OVERLAP = 0.9
BEARINGS = 64
CLOSED = 9

Outline = tuple[tuple[float, float], float, float, float]


def measure_outline(image: np.ndarray) -> Outline:
    """Measure where a fan lies in its frame.

    Args:
        image: ``(rows, cols)``, dark outside the fan.

    Returns:
        The apex (x, y), the distances of the nearest and the farthest echoes from it, all in pixels, and the degrees
        between the fan's sides.

    Raises:
        ValueError: what is bright has not the outline of a fan.
    """
    # Dark echoes within the fan belong to it. The margin keeps the frame's edge from being closed to the fan.
    seen = np.pad(np.uint8(image > BLACK * image.max()), CLOSED)
    seen = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((CLOSED, CLOSED), np.uint8))[CLOSED:-CLOSED, CLOSED:-CLOSED]
    return _measure(seen.tobytes(), seen.shape)


@lru_cache(maxsize=8)
def _measure(seen: bytes, shape: tuple[int, int]) -> Outline:
    """Frames of one recording mostly have the same outline, which is measured once."""
    mask = np.frombuffer(seen, np.uint8).reshape(shape).astype(bool)
    rows = np.flatnonzero(mask.any(axis=1))
    problem = "its outline is not that of a fan on black; give --range-min, --range-max and --fov"
    if len(rows) < 16:
        raise ValueError(problem)
    left, right = mask[rows].argmax(axis=1), shape[1] - mask[rows, ::-1].argmax(axis=1)
    (left_slope, left_start), (right_slope, right_start) = _line(rows + 0.5, left), _line(rows + 0.5, right)
    if left_slope - right_slope < 0.02:  # a field of view of a degree
        raise ValueError(problem)
    y = (right_start - left_start) / (left_slope - right_slope)
    apex = (float(left_start + left_slope * y), float(y))
    field_of_view = float(np.degrees(np.arctan(left_slope) - np.arctan(right_slope)))
    nearest, farthest = _reach(mask, apex, field_of_view)
    if _overlap(mask, FanGeometry(apex, 1.0, nearest, farthest, field_of_view)) < LEAST_OVERLAP:
        raise ValueError(problem)
    return apex, nearest, farthest, field_of_view


def _line(rows: np.ndarray, edge: np.ndarray) -> tuple[float, float]:
    """Slope and start of the straight side among the edge's points, of which the far arc's are none."""
    line = RANSACRegressor(min_samples=2, residual_threshold=1.0, random_state=0).fit(rows[:, None], edge)
    return float(line.estimator_.coef_[0]), float(line.estimator_.intercept_)


def _reach(mask: np.ndarray, apex: tuple[float, float], field_of_view: float) -> tuple[float, float]:
    """Distances of the nearest and the farthest pixel: medians over bearings well inside the fan."""
    y, x = np.nonzero(mask)
    right, ahead = x + 0.5 - apex[0], apex[1] - y - 0.5
    distance, bearing = np.hypot(right, ahead), np.degrees(np.arctan2(right, ahead))
    inside = np.abs(bearing) < 0.45 * field_of_view
    if not inside.any():
        return 0.0, 1.0
    at = np.floor((bearing[inside] / (0.9 * field_of_view) + 0.5) * BEARINGS).astype(int).clip(0, BEARINGS - 1)
    nearest, farthest = np.full(BEARINGS, np.inf), np.full(BEARINGS, -np.inf)
    np.minimum.at(nearest, at, distance[inside])
    np.maximum.at(farthest, at, distance[inside])
    full = np.isfinite(farthest)
    return max(0.0, float(np.median(nearest[full])) - 0.5), float(np.median(farthest[full])) + 0.5


def _overlap(mask: np.ndarray, fan: FanGeometry) -> float:
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    inside = fan.contains(np.stack([x, y], axis=-1) + 0.5)
    return float(np.count_nonzero(mask & inside) / np.count_nonzero(mask | inside))


@dataclass(frozen=True)
class RangeWindow:
    """What the user knows.

    Attributes:
        max_range: of the farthest echoes, in metres.
        min_range: of the nearest, in metres; of no meaning without ``field_of_view``.
        field_of_view: degrees between the fan's sides, if known. Then the fan is taken to fill the frame from its
            lowest row to its highest, its axis in the middle; else it is measured on the black around it.
    """

    max_range: float
    min_range: float = 0.0
    field_of_view: float | None = None

    def add_to(self, frame: Frame) -> Frame:
        """The frame with its fan, unless it already has one.

        Raises:
            ValueError: the settings make no fan, or its outline cannot be measured.
        """
        return frame if frame.geometry else replace(frame, geometry=self._fan(frame.image))

    def _fan(self, image: np.ndarray) -> FanGeometry:
        if self.field_of_view is None:
            apex, min_radius, max_radius, field_of_view = measure_outline(image)
            scale = self.max_range / max_radius
            return FanGeometry(apex, scale, min_radius * scale, self.max_range, field_of_view)
        fan = FanGeometry.of_window(image.shape[0], self.min_range, self.max_range, self.field_of_view)
        return replace(fan, apex=(image.shape[1] / 2, fan.apex[1]))
