"""Where the sonar was when it saw a frame, and what it saw lies where on Earth."""

from dataclasses import dataclass

import numpy as np
from pyproj import Geod

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
