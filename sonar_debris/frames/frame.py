"""One forward-looking-sonar frame, as every other room sees it.

MERGED:
A frame of a recording that cannot be read, in the place where it would stand.
---
What is raised for a frame that cannot be read, and warned of where frames are read nevertheless.
---
Times as people read them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.frames.geometry import FanGeometry, Navigation


@dataclass(frozen=True)
class Frame:
    """A fan-shaped (Cartesian) sonar frame.

    Attributes:
        image: ``(rows, cols)`` float32, finite. Integer sources are scaled by their type's maximum to
            [0, 1]; float sources keep their values. Range grows upwards; outside the fan is 0.
        source: the file that the frame was read from.
        name: the file's name as reports show it: relative to the folder that was opened, or as given.
        index: position of the frame in its file, 0 for a still image.
        time: seconds since the epoch, or None where the file does not say.
        geometry: where its pixels lie, or None where that is not known.
        navigation: where the sonar was, or None where the file does not say.
    """

    image: np.ndarray
    source: Path
    name: str
    index: int = 0
    time: float | None = None
    geometry: FanGeometry | None = None
    navigation: Navigation | None = None

    def as_bytes(self) -> np.ndarray:
        """The image as uint8: 255 for 1 and all that is brighter."""
        return np.rint(self.image.clip(0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class DamagedFrame:
    """What a reader yields for a frame that is damaged: those behind it may be whole.

    Attributes:
        index: position of the frame in its file.
        reason: what is wrong with it.
    """

    index: int
    reason: str


def frame_or_damaged(index: int, read: Callable[[], Frame]) -> Frame | DamagedFrame:
    """The frame that ``read`` makes, or that it is damaged, if it raises a ValueError."""
    try:
        return read()
    except ValueError as error:
        return DamagedFrame(index, str(error))


class FrameReadError(SonarDebrisError):
    """A file, a frame of it or a folder that cannot be read; its message is the one line ``NAME: reason``.

    Attributes:
        name: the file's name as reports show it.
        reason: what is wrong with it.
        index: position of the frame in its file; None if the whole file or folder is meant.
    """

    def __init__(self, name: str, reason: str, index: int | None = None):
        super().__init__(name, reason, index)
        self.name = name
        self.reason = reason
        self.index = index

    @property
    def problem(self) -> str:
        """What is wrong with which frame, if it is one frame of the file."""
        return self.reason if self.index is None else f"frame {self.index}: {self.reason}"

    def __str__(self) -> str:
        return " ".join(f"{self.name}: {self.problem}".split())


class FrameReadWarning(SonarDebrisWarning):
    """A file that is not whole, though frames could be read; its message is the one line ``NAME: what``.

    Attributes:
        name: the file's name as reports show it.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond; as a number where no calendar reaches.

    Example:
        >>> iso_time(0)
        '1970-01-01T00:00:00.000+00:00'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"
