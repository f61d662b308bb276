"""The sonar and the ranges of frames, compared with those that a model was trained on."""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sonar_debris.errors import SonarDebrisWarning
from sonar_debris.frames.frame import Frame

Interval = tuple[float, float]

# Ranges may lie outside of those of the training frames by this fraction of their window, frequencies by this fraction.
RANGE_MARGIN, FREQUENCY_MARGIN = 0.25, 0.1


class UnseenConditionsWarning(SonarDebrisWarning):
    """The sonar or the ranges of frames are outside of what the model was trained on."""


@dataclass(frozen=True)
class SonarConditions:
    """The sonars that recorded frames, their frequencies and their range windows, as far as they are known.

    Attributes:
        sonars: names of the sonars, such as ``ARIS 3000``; empty if they are not known.
        frequency_mhz: lowest and highest frequency in MHz, or None.
        range_m: range of the nearest and of the farthest echoes in metres (slant ranges), or None.
    """

    sonars: tuple[str, ...] = ()
    frequency_mhz: Interval | None = None
    range_m: Interval | None = None

    @classmethod
    def of_frame(cls, frame: Frame) -> Self:
        """Return the conditions of a frame; nothing is known of a plain image without a range window."""
        sonars = (frame.sonar,) if frame.sonar else ()
        frequency = None if frame.frequency is None else (frame.frequency, frame.frequency)
        fan = frame.geometry
        return cls(sonars, frequency, (float(fan.min_range), float(fan.max_range)) if fan else None)

    @classmethod
    def merge(cls, conditions: Iterable["SonarConditions"]) -> Self | None:
        """Return the conditions of all frames together; None if nothing is known of any."""
        parts = list(conditions)
        merged = cls(
            tuple(sorted({sonar for part in parts for sonar in part.sonars})),
            _enclose(part.frequency_mhz for part in parts),
            _enclose(part.range_m for part in parts),
        )
        return None if merged == cls() else merged

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Read the conditions from ``model.json``.

        Raises:
            ValueError: the content is not what ``dataclasses.asdict`` of the conditions gives.
        """
        if not isinstance(content, Mapping) or not content.keys() <= {"sonars", "frequency_mhz", "range_m"}:
            raise ValueError(f"conditions must have sonars, frequency_mhz and range_m. Received: {content!r:.200}")
        sonars = content.get("sonars", [])
        if not isinstance(sonars, list | tuple) or not all(isinstance(sonar, str) for sonar in sonars):
            raise ValueError(f"sonars must be a list of names. Received: {sonars!r:.200}")
        return cls(tuple(sonars), *(_parse_interval(name, content.get(name)) for name in ("frequency_mhz", "range_m")))

    def include(self, other: "SonarConditions") -> bool:
        """Return whether other conditions are about the same; what is not known on one side is not compared."""
        if self.sonars and not set(other.sonars) <= set(self.sonars):
            return False
        if self.frequency_mhz and other.frequency_mhz:
            lowest, highest = self.frequency_mhz
            if other.frequency_mhz[0] < lowest * (1 - FREQUENCY_MARGIN):
                return False
            if other.frequency_mhz[1] > highest * (1 + FREQUENCY_MARGIN):
                return False
        if self.range_m and other.range_m:
            nearest, farthest = self.range_m
            margin = RANGE_MARGIN * (farthest - nearest)
            return other.range_m[0] >= nearest - margin and other.range_m[1] <= farthest + margin
        return True

    def __str__(self) -> str:
        sonars = " and ".join(self.sonars) or "a sonar"
        frequency = f" ({_format_interval(self.frequency_mhz)} MHz)" if self.frequency_mhz else ""
        ranges = f" at {_format_interval(self.range_m)} m" if self.range_m else ""
        return f"{sonars}{frequency}{ranges}"


class ConditionsCheck:
    """Compare frames with what a model was trained on; each sonar and frequency is reported once.

    Args:
        trained_on: the conditions of the training frames; None if they are not known, and nothing is reported.

    Example:
        >>> check = ConditionsCheck(SonarConditions(("ARIS 3000",), (3.0, 3.0), (1.0, 3.0)))
        >>> print(check.describe("a.aris", SonarConditions(("ARIS 1200",), (0.7, 0.7), (3.0, 23.0))))
        a.aris: ARIS 1200 (0.7 MHz) at 3.0–23.0 m; the model was trained on ARIS 3000 (3.0 MHz) at 1.0–3.0 m: expect \
missed debris and wrong names
        >>> check.describe("b.aris", SonarConditions(("ARIS 1200",), (0.7, 0.7), (3.0, 23.0))) is None
        True
    """

    def __init__(self, trained_on: SonarConditions | None):
        self._trained_on = trained_on
        self._reported: set[tuple[tuple[str, ...], Interval | None]] = set()

    def describe(self, name: str, conditions: SonarConditions) -> str | None:
        """Describe what a model has not seen.

        Args:
            name: name of the file in reports.
            conditions: the conditions of a frame of the file.

        Returns:
            One line; None if the conditions are like those of the training frames, or were reported before.
        """
        if self._trained_on is None or self._trained_on.include(conditions):
            return None
        key = conditions.sonars, conditions.frequency_mhz
        if key in self._reported:
            return None
        self._reported.add(key)
        return (
            f"{name}: {conditions}; the model was trained on {self._trained_on}: expect missed debris and wrong names"
        )

    def warn(self, name: str, conditions: SonarConditions) -> None:
        """Issue an `UnseenConditionsWarning` with the line of `describe`, if there is one.

        Args:
            name: name of the file in reports.
            conditions: the conditions of a frame of the file.
        """
        message = self.describe(name, conditions)
        if message:
            warnings.warn(UnseenConditionsWarning(message), stacklevel=3)


def _enclose(intervals: Iterable[Interval | None]) -> Interval | None:
    known = [interval for interval in intervals if interval]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _parse_interval(name: str, value: Any) -> Interval | None:
    if value is None:
        return None
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    if not is_pair or not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value):
        raise ValueError(f"{name} must be two numbers. Received: {value!r:.200}")
    low, high = float(value[0]), float(value[1])
    if not (math.isfinite(high) and 0 <= low <= high):
        raise ValueError(f"{name} must be two finite numbers of 0 or more that rise. Received: {value!r:.200}")
    return low, high


def _format_interval(interval: Interval | None) -> str:
    low, high = interval or (0.0, 0.0)
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f}–{high:.1f}"
