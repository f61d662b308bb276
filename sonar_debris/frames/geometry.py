"""The position of a frame's pixels: range and bearing, metres from the sonar, latitude and longitude.

Ranges are slant ranges: the distance that sound travels, not that on the ground. Where the sonar's altitude is known,
`ground_range` converts them.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from pyproj import Geod

_EARTH = Geod(ellps="WGS84")


def ground_range(slant_range: np.ndarray | float, altitude: float) -> np.ndarray:
    """Return the horizontal distance of echoes from the bottom, which is assumed to be flat.

    Args:
        slant_range: any shape, distance that sound travels, in metres.
        altitude: height of the sonar above the bottom, in metres.

    Returns:
        Distances of the same shape, in metres; 0 where the slant range is less than the altitude, as for echoes in the
        water below the sonar.

    Example:
        >>> ground_range(5.0, altitude=3.0).tolist()
        4.0
    """
    squares = np.square(np.asarray(slant_range, float)) - altitude**2
    return np.asarray(np.sqrt(squares.clip(min=0)))


def is_position(latitude: float, longitude: float) -> bool:
    """Return whether two numbers can be a position.

    Args:
        latitude: degrees.
        longitude: degrees, in [-180, 180] or [0, 360].

    Returns:
        True for finite values within these ranges.
    """
    return abs(latitude) <= 90 and -180 <= longitude <= 360


def wrap_longitude(longitude: np.ndarray | float) -> np.ndarray:
    """Return longitudes in [-180, 180).

    Example:
        >>> wrap_longitude([180.0, 359.0, -4.5]).tolist()
        [-180.0, -1.0, -4.5]
    """
    degrees = np.asarray(longitude, float)
    return np.where((degrees >= -180) & (degrees < 180), degrees, (degrees + 180) % 360 - 180)


def mean_position(latitude: np.ndarray, longitude: np.ndarray) -> tuple[float, float]:
    """Return the mean of positions that lie close together, also across the meridian of 180 degrees.

    Args:
        latitude: ``(N,)`` degrees, at least one.
        longitude: ``(N,)`` degrees.

    Returns:
        Latitude, and longitude in [-180, 180), in degrees.

    Example:
        >>> mean_position([10.0, 12.0], [179.0, -177.0])
        (11.0, -179.0)
    """
    first = float(np.asarray(longitude, float)[0])
    offsets = wrap_longitude(np.asarray(longitude, float) - first)
    return float(np.mean(latitude)), float(wrap_longitude(first + offsets.mean()))


def polar_to_metres(polar: np.ndarray) -> np.ndarray:
    """Convert range and bearing to a position relative to the sonar.

    Args:
        polar: ``(..., 2)`` slant range in metres, and bearing in degrees to the right of the sonar's axis.

    Returns:
        ``(..., 2)`` metres to the right of the sonar and ahead of it.

    Example:
        >>> polar_to_metres([10.0, 90.0]).round(3).tolist()
        [10.0, 0.0]
    """
    distance, bearing = np.moveaxis(np.asarray(polar, float), -1, 0)
    bearing = np.radians(bearing)
    return np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=-1)


def metres_to_polar(metres: np.ndarray) -> np.ndarray:
    """Convert a position relative to the sonar to range and bearing.

    Args:
        metres: ``(..., 2)`` metres to the right of the sonar and ahead of it.

    Returns:
        ``(..., 2)`` range in metres, and bearing in degrees in [-180, 180].
    """
    right, ahead = np.moveaxis(np.asarray(metres, float), -1, 0)
    return np.stack([np.hypot(right, ahead), np.degrees(np.arctan2(right, ahead))], axis=-1)


@dataclass(frozen=True)
class FanGeometry:
    """The fan of a frame, whose range grows upwards. Ranges are slant ranges.

    Pixel positions are x to the right and y down from the upper left corner of the frame, as those of boxes: the centre
    of the first pixel is (0.5, 0.5). Bearings are degrees to the right of the sonar's axis.

    Args:
        apex: x and y of the sonar, in pixels; it usually lies below the frame.
        metres_per_pixel: size of a pixel.
        min_range: range of the nearest echoes, in metres.
        max_range: range of the farthest echoes, in metres.
        field_of_view: angle between the sides of the fan, in degrees; the axis lies in the middle.
    """

    apex: tuple[float, float]
    metres_per_pixel: float
    min_range: float
    max_range: float
    field_of_view: float

    @classmethod
    def of_window(cls, rows: int, min_range: float, max_range: float, field_of_view: float) -> "FanGeometry":
        """Return the fan of a range window that fills a frame from its first row to its last.

        Args:
            rows: height of the frame in pixels.
            min_range: range of the nearest echoes, in metres.
            max_range: range of the farthest echoes, in metres.
            field_of_view: angle between the sides of the fan in degrees, less than 180.

        Returns:
            The fan, with the apex in the middle of a frame that is as wide as the fan: see ``shape``.

        Raises:
            ValueError: the window is empty, or cannot be drawn as a fan.
        """
        if not (0 <= min_range < max_range < np.inf and 0 < field_of_view < 180 and rows > 0):
            raise ValueError(
                "a fan has 0 <= min_range < max_range, a field of view under 180 degrees and rows. "
                f"Received: {min_range} to {max_range} m, {field_of_view} degrees, {rows} rows"
            )
        half_angle = np.radians(field_of_view / 2)
        # The near ends of the sides are the lowest points of the fan, the top of the arc is the highest.
        scale = float((max_range - min_range * np.cos(half_angle)) / rows)
        cols = 2 * max_range * np.sin(half_angle) / scale
        apex = (float(np.ceil(cols) / 2), float(max_range / scale))
        return cls(apex, scale, min_range, max_range, field_of_view)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame that the fan fills."""
        half_angle = np.radians(self.field_of_view / 2)
        rows = (self.max_range - self.min_range * np.cos(half_angle)) / self.metres_per_pixel
        cols = 2 * self.max_range * np.sin(half_angle) / self.metres_per_pixel
        return max(1, round(rows)), max(1, int(np.ceil(cols - 1e-6)))

    def to_metres(self, xy: np.ndarray) -> np.ndarray:
        """Convert pixel positions ``(..., 2)`` to metres right of the sonar and ahead of it ``(..., 2)``."""
        metres: np.ndarray = (np.asarray(xy, float) - self.apex) * [self.metres_per_pixel, -self.metres_per_pixel]
        return metres

    def from_metres(self, metres: np.ndarray) -> np.ndarray:
        """Convert metres right of the sonar and ahead of it ``(..., 2)`` to pixel positions ``(..., 2)``."""
        xy: np.ndarray = np.asarray(metres, float) / [self.metres_per_pixel, -self.metres_per_pixel] + self.apex
        return xy

    def to_polar(self, xy: np.ndarray) -> np.ndarray:
        """Convert pixel positions ``(..., 2)`` to range in metres and bearing in degrees ``(..., 2)``."""
        return metres_to_polar(self.to_metres(xy))

    def from_polar(self, polar: np.ndarray) -> np.ndarray:
        """Convert range in metres and bearing in degrees ``(..., 2)`` to pixel positions ``(..., 2)``."""
        return self.from_metres(polar_to_metres(polar))

    def contains(self, xy: np.ndarray) -> np.ndarray:
        """Return whether pixel positions ``(..., 2)`` lie inside the fan: ``(...)`` bool."""
        distance, bearing = np.moveaxis(self.to_polar(xy), -1, 0)
        inside: np.ndarray = (distance >= self.min_range) & (distance <= self.max_range)
        inside &= np.abs(bearing) <= self.field_of_view / 2
        return inside

    def size_in_metres(self, xyxy: np.ndarray) -> np.ndarray:
        """Return width and height ``(N, 2)`` in metres of boxes ``(N, 4)`` in pixels."""
        size: np.ndarray = (xyxy[:, 2:] - xyxy[:, :2]) * self.metres_per_pixel
        return size


@dataclass(frozen=True)
class Navigation:
    """Position and heading of the sonar; an attribute is None if it is not known.

    Args:
        heading: direction of the sonar's axis, in degrees clockwise from north; kept in [0, 360). Recordings give what
            the sonar's compass reports: the direction to magnetic north, unless the sonar corrects it.
        latitude: in degrees, WGS 84.
        longitude: in degrees, WGS 84; kept in [-180, 180).
        depth: in metres.
        altitude: height of the sonar above the bottom, in metres. If it is known, positions are computed from ground
            ranges instead of slant ranges.

    Raises:
        ValueError: a value is not finite, or a position is not on the earth.
    """

    heading: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    depth: float | None = None
    altitude: float | None = None

    def __post_init__(self) -> None:
        values = [self.heading, self.latitude, self.longitude, self.depth, self.altitude]
        is_finite = all(math.isfinite(value) for value in values if value is not None)
        if not is_finite or not is_position(self.latitude or 0.0, self.longitude or 0.0) or (self.altitude or 0.0) < 0:
            raise ValueError(
                "a position has finite numbers, a latitude from -90 to 90 and a longitude from -180 to 360 degrees, "
                f"and an altitude of 0 or more. Received: {self}"
            )
        if self.heading is not None:
            object.__setattr__(self, "heading", self.heading % 360)
        if self.longitude is not None:
            object.__setattr__(self, "longitude", float(wrap_longitude(self.longitude)))

    @property
    def located(self) -> bool:
        """Whether positions in the frame can be converted to latitude and longitude."""
        return None not in (self.heading, self.latitude, self.longitude)

    def turned(self, degrees: float) -> "Navigation":
        """Return the same position with an offset added to the heading, if that is known.

        Args:
            degrees: such as the magnetic declination, or the angle between compass and sonar; clockwise.
        """
        return self if self.heading is None else replace(self, heading=self.heading + degrees)

    def to_position(self, polar: np.ndarray) -> np.ndarray:
        """Convert range in metres and bearing in degrees ``(..., 2)`` to latitude and longitude ``(..., 2)``.

        Ranges are slant ranges; they are converted to ground ranges if the altitude is known. Longitudes lie in
        [-180, 180).

        Raises:
            ValueError: position or heading is not known.
        """
        heading, latitude, longitude = self._require_location("a position")
        distance, bearing = np.moveaxis(np.asarray(polar, float), -1, 0)
        if self.altitude is not None:
            distance = ground_range(distance, self.altitude)
        longitudes, latitudes = np.full(distance.shape, longitude), np.full(distance.shape, latitude)
        longitudes, latitudes, _ = _EARTH.fwd(longitudes, latitudes, heading + bearing, distance)
        return np.stack([latitudes, wrap_longitude(longitudes)], axis=-1)

    def to_polar(self, position: np.ndarray) -> np.ndarray:
        """Convert latitude and longitude in degrees ``(..., 2)`` to range and bearing ``(..., 2)``.

        Ranges are in metres, along the ground; bearings are in degrees in [-180, 180).

        Raises:
            ValueError: position or heading is not known.
        """
        heading, latitude, longitude = self._require_location("a bearing")
        latitudes, longitudes = np.moveaxis(np.asarray(position, float), -1, 0)
        start = np.full(latitudes.shape, longitude), np.full(latitudes.shape, latitude)
        azimuth, _, distance = _EARTH.inv(*start, longitudes, latitudes)
        return np.stack([distance, (azimuth - heading + 180) % 360 - 180], axis=-1)

    def _require_location(self, result: str) -> tuple[float, float, float]:
        """Return heading, latitude and longitude; raise a ValueError if one of them is not known."""
        if self.heading is None or self.latitude is None or self.longitude is None:
            raise ValueError(f"{result} needs heading, latitude and longitude. Received: {self}")
        return self.heading, self.latitude, self.longitude
