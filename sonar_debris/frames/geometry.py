"""Where the pixels of a fan-shaped frame lie: range and bearing, metres from the sonar, latitude and longitude.

MERGED:
Where the sonar was when it saw a frame, and what it saw lies where on Earth.
"""

from dataclasses import dataclass

import numpy as np
from pyproj import Geod


@dataclass(frozen=True)
class FanGeometry:
    """The fan of a frame whose range grows upwards.

    Pixel positions are x to the right and y down from the frame's upper left corner, as those of boxes: the first
    pixel's centre lies at (0.5, 0.5). Bearings are degrees to the right of the sonar's axis.

    Attributes:
        apex: x and y of the sonar; it mostly lies below the frame.
        metres_per_pixel: size of a pixel.
        min_range: of the nearest echoes, in metres.
        max_range: of the farthest, in metres.
        field_of_view: degrees between the fan's sides, which lie evenly about the axis.
    """

    apex: tuple[float, float]
    metres_per_pixel: float
    min_range: float
    max_range: float
    field_of_view: float

    @classmethod
    def of_window(cls, rows: int, min_range: float, max_range: float, field_of_view: float) -> "FanGeometry":
        """The fan that fills a frame of ``rows`` rows, as high as needed and no wider.

        Args:
            rows: height of the frame in pixels.
            min_range: of the nearest echoes, in metres.
            max_range: of the farthest, in metres.
            field_of_view: in degrees, under 180.

        Raises:
            ValueError: the window is empty, or no fan.
        """
        if not (0 <= min_range < max_range < np.inf and 0 < field_of_view < 180 and rows > 0):
            raise ValueError(
                "a fan has 0 <= min_range < max_range, a field of view under 180 degrees and rows. "
                f"Received: {min_range} to {max_range} m, {field_of_view} degrees, {rows} rows"
            )
        half = np.radians(field_of_view / 2)
        # The sides' near ends are the lowest points, the arc's top the highest.
        scale = (max_range - min_range * np.cos(half)) / rows
        cols = 2 * max_range * np.sin(half) / scale
        return cls(
            (float(np.ceil(cols) / 2), float(max_range / scale)), float(scale), min_range, max_range, field_of_view
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame that the fan fills."""
        half = np.radians(self.field_of_view / 2)
        rows = (self.max_range - self.min_range * np.cos(half)) / self.metres_per_pixel
        cols = 2 * self.max_range * np.sin(half) / self.metres_per_pixel
        return max(1, round(rows)), max(1, int(np.ceil(cols - 1e-6)))

    def to_metres(self, xy: np.ndarray) -> np.ndarray:
        """Pixels ``(..., 2)`` to metres right and ahead of the sonar ``(..., 2)``."""
        return (np.asarray(xy, float) - self.apex) * [self.metres_per_pixel, -self.metres_per_pixel]

    def from_metres(self, metres: np.ndarray) -> np.ndarray:
        """Metres right and ahead of the sonar ``(..., 2)`` to pixels ``(..., 2)``."""
        return np.asarray(metres, float) / [self.metres_per_pixel, -self.metres_per_pixel] + self.apex

    def to_polar(self, xy: np.ndarray) -> np.ndarray:
        """Pixels ``(..., 2)`` to range in metres and bearing in degrees ``(..., 2)``."""
        right, ahead = np.moveaxis(self.to_metres(xy), -1, 0)
        return np.stack([np.hypot(right, ahead), np.degrees(np.arctan2(right, ahead))], axis=-1)

    def from_polar(self, polar: np.ndarray) -> np.ndarray:
        """Range in metres and bearing in degrees ``(..., 2)`` to pixels ``(..., 2)``."""
        distance, bearing = np.moveaxis(np.asarray(polar, float), -1, 0)
        bearing = np.radians(bearing)
        return self.from_metres(np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=-1))

    def contains(self, xy: np.ndarray) -> np.ndarray:
        """Whether pixels ``(..., 2)`` lie in the fan: ``(...)`` bool."""
        distance, bearing = np.moveaxis(self.to_polar(xy), -1, 0)
        seen = (distance >= self.min_range) & (distance <= self.max_range)
        return seen & (np.abs(bearing) <= self.field_of_view / 2)

    def size_in_metres(self, xyxy: np.ndarray) -> np.ndarray:
        """Width and height ``(N, 2)`` of boxes ``(N, 4)``."""
        return (xyxy[:, 2:] - xyxy[:, :2]) * self.metres_per_pixel


_EARTH = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Navigation:
    """Position and attitude of the sonar.

    Attributes:
        heading: of the sonar's axis, in degrees clockwise from north; None if not known.
        latitude: in degrees, WGS 84; None if not known.
        longitude: in degrees, WGS 84; None if not known.
        depth: in metres; None if not known.
    """

    heading: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    depth: float | None = None

    @property
    def located(self) -> bool:
        """Whether what the sonar sees can be placed on Earth."""
        return None not in (self.heading, self.latitude, self.longitude)

    def to_position(self, polar: np.ndarray) -> np.ndarray:
        """Range in metres and bearing in degrees ``(..., 2)`` to latitude and longitude ``(..., 2)``, in degrees.

        Raises:
            ValueError: position or heading is not known.
        """
        if not self.located:
            raise ValueError(f"a position needs heading, latitude and longitude. Received: {self}")
        distance, bearing = np.moveaxis(np.asarray(polar, float), -1, 0)
        start = np.full(distance.shape, self.longitude), np.full(distance.shape, self.latitude)
        longitude, latitude, _ = _EARTH.fwd(*start, self.heading + bearing, distance)
        return np.stack([latitude, longitude], axis=-1)

    def to_polar(self, position: np.ndarray) -> np.ndarray:
        """Latitude and longitude ``(..., 2)`` to range and bearing, in [-180, 180) degrees, ``(..., 2)``.

        Raises:
            ValueError: position or heading is not known.
        """
        if not self.located:
            raise ValueError(f"a bearing needs heading, latitude and longitude. Received: {self}")
        latitude, longitude = np.moveaxis(np.asarray(position, float), -1, 0)
        start = np.full(latitude.shape, self.longitude), np.full(latitude.shape, self.latitude)
        azimuth, _, distance = _EARTH.inv(*start, longitude, latitude)
        return np.stack([distance, (azimuth - self.heading + 180) % 360 - 180], axis=-1)
