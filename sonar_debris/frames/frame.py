"""Frames, the selection of frames, what readers yield, and the errors of reading.

A reader yields `RawFrame`, `DamagedFrame` and `TruncatedFile`. The loader knows the path and the name of the file, and
turns them into `Frame`, `FrameReadError` and `FrameReadWarning`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.frames.geometry import FanGeometry, Navigation

# Number of frames that a warning lists.
_LISTED_FRAMES = 10


@dataclass(frozen=True)
class FrameSelection:
    """The frames of an input that are to be read, and whether they are mirrored.

    Args:
        frames: positions of the frames, counted from 0, as a slice. Its start and stop are None or not negative, its
            step is None or positive.
        topic: the topic of a ROS bag; None for the only topic that has frames. Other formats ignore it.
        mirror: whether left and right are exchanged, for recordings whose bearings run the other way.
        heading_offset: degrees, clockwise, that are added to the headings: the magnetic declination if the compass
            reports magnetic north and positions are wanted, or the angle from the compass to the sonar's axis.

    Example:
        >>> FrameSelection(slice(100, 501, 5))  # what --frames 100-500:5 selects
        FrameSelection(frames=slice(100, 501, 5), topic=None, mirror=False, heading_offset=0.0)
    """

    frames: slice = field(default_factory=lambda: slice(None))
    topic: str | None = None
    mirror: bool = False
    heading_offset: float = 0.0

    def indices(self, count: int) -> range:
        """Return the selected positions of a sequence of ``count`` frames.

        Example:
            >>> list(FrameSelection(slice(2, None, 3)).indices(10))
            [2, 5, 8]
        """
        return range(count)[self.frames]

    def count(self, frames: int) -> int:
        """Return how many of a sequence of frames are selected; any number, also one that `len` refuses.

        Example:
            >>> FrameSelection(slice(2, None, 3)).count(10**30)
            333333333333333333333333333333
        """
        selected = self.indices(frames)
        return max(0, -(-(selected.stop - selected.start) // selected.step))


ALL_FRAMES = FrameSelection()


def shift_slice(frames: slice, position: int) -> slice:
    """Return the part of a slice that lies behind a position, relative to that position.

    Args:
        frames: positions in a whole sequence.
        position: where the part begins.

    Returns:
        The same positions counted from ``position``; those before it are dropped.

    Example:
        >>> shift_slice(slice(2, 20, 5), 10)  # 2, 7, 12, 17: the last two lie behind 10
        slice(2, 10, 5)
    """
    start, step = frames.start or 0, frames.step or 1
    steps_before = max(0, -(-(position - start) // step))
    stop = None if frames.stop is None else max(0, frames.stop - position)
    return slice(start + steps_before * step - position, stop, step)


def natural_sort_key(text: str) -> list[int | str]:
    """Return a sort key that compares numbers in a text by value.

    Example:
        >>> sorted(["ping-10", "ping-2"], key=natural_sort_key)
        ['ping-2', 'ping-10']
    """
    # The pattern's group keeps the digits: texts and numbers alternate, so that like is compared with like.
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", text)]


@dataclass(frozen=True)
class Frame:
    """A fan-shaped (Cartesian) sonar frame.

    Args:
        image: ``(rows, cols)`` float32, finite, not negative. Integer pixels are divided by the maximum of their type,
            so that they lie in [0, 1]; float pixels keep their values. Range grows upwards. Outside the fan is 0.
        source: the file that the frame was read from.
        name: the file's name in reports: relative to the folder that was opened, or as given.
        index: position of the frame in its file; 0 for a still image.
        time: seconds since the epoch, for a video since its start; None if the file does not record it.
        geometry: the fan; None if it is not known.
        navigation: position and heading of the sonar; None if the file does not record them.
        sonar: the sonar's name, such as ``ARIS 3000``; None if it is not known.
        frequency: of the sonar, in MHz; None if it is not known.
    """

    image: np.ndarray
    source: Path
    name: str
    index: int = 0
    time: float | None = None
    geometry: FanGeometry | None = None
    navigation: Navigation | None = None
    sonar: str | None = None
    frequency: float | None = None

    def as_bytes(self) -> np.ndarray:
        """Return the image as ``(rows, cols)`` uint8: values from 0 to `white_level`, mostly 1, become 0 to 255."""
        from sonar_debris.frames.pixels import white_level

        scaled = self.image / np.float32(white_level(self.image))
        pixels: np.ndarray = np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)
        return pixels

    def mirrored(self) -> "Frame":
        """Return the frame with left and right exchanged: its bearings are reversed."""
        geometry = self.geometry
        if geometry:
            x, y = geometry.apex
            geometry = replace(geometry, apex=(self.image.shape[1] - x, y))
        return replace(self, image=np.ascontiguousarray(self.image[:, ::-1]), geometry=geometry)


@dataclass(frozen=True)
class RawFrame:
    """A frame as a reader yields it, without the file's path and name.

    Args:
        image: ``(rows, cols)`` float32, as in `Frame`.
        index: position of the frame in its file; 0 for a still image.
        time: seconds since the epoch, or None.
        geometry: the fan, or None.
        navigation: position and heading of the sonar, or None.
        sonar: the sonar's name, or None.
        frequency: of the sonar, in MHz, or None.
    """

    image: np.ndarray
    index: int = 0
    time: float | None = None
    geometry: FanGeometry | None = None
    navigation: Navigation | None = None
    sonar: str | None = None
    frequency: float | None = None


@dataclass(frozen=True)
class DamagedFrame:
    """A frame that cannot be read, as a reader yields it. The frames after it may be intact.

    Args:
        index: position of the frame in its file.
        reason: what is wrong with it.
    """

    index: int
    reason: str


@dataclass(frozen=True)
class TruncatedFile:
    """The end of a file that is incomplete, as a reader yields it after the last frame that can be read.

    Args:
        reason: where the file ends.
    """

    reason: str


ReaderItem = RawFrame | DamagedFrame | TruncatedFile


def frame_or_damaged(index: int, read: Callable[[], RawFrame]) -> RawFrame | DamagedFrame:
    """Read a frame; return a `DamagedFrame` if that raises a ValueError.

    Args:
        index: position of the frame in its file.
        read: reads and returns the frame.

    Returns:
        The frame, or the `DamagedFrame` with the error's message as reason.
    """
    try:
        return read()
    except ValueError as error:
        return DamagedFrame(index, str(error))


class FrameReadError(SonarDebrisError):
    """A file, a frame or a folder cannot be read. The message is one line: ``NAME: reason``.

    Args:
        name: the file's name in reports.
        reason: what is wrong with it.
        index: position of the frame in its file; None if the whole file or folder cannot be read.
    """

    def __init__(self, name: str, reason: str, index: int | None = None):
        super().__init__(name, reason, index)
        self.name = name
        self.reason = reason
        self.index = index

    @property
    def problem(self) -> str:
        """The reason, preceded by the frame's position if only one frame cannot be read."""
        return self.reason if self.index is None else f"frame {self.index}: {self.reason}"

    def __str__(self) -> str:
        return " ".join(f"{self.name}: {self.problem}".split())


class FrameReadWarning(SonarDebrisWarning):
    """A file is incomplete, but some of its frames were read. The message is one line: ``NAME: reason``.

    Args:
        name: the file's name in reports.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str):
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return " ".join(f"{self.name}: {self.reason}".split())


class FrameGeometryWarning(SonarDebrisWarning):
    """The fan that was measured or given may be wrong. The message is one line: ``NAME: reason: frames``.

    Args:
        name: the recording, or the folder of images.
        reason: what seems to be wrong, and what to do.
        frames: the frames that are concerned, if not all; the message lists the first ten.
    """

    def __init__(self, name: str, reason: str, frames: Sequence[str] = ()):
        super().__init__(name, reason, frames)
        self.name = name
        self.reason = reason
        self.frames = tuple(frames)

    def __str__(self) -> str:
        listed = ", ".join(self.frames[:_LISTED_FRAMES])
        more = len(self.frames) - _LISTED_FRAMES
        frames = f": {listed}" + (f" and {more} more" if more > 0 else "") if listed else ""
        return " ".join(f"{self.name}: {self.reason}{frames}".split())


def merge_warnings(warnings: Iterable[FrameGeometryWarning]) -> list[FrameGeometryWarning]:
    """Merge the warnings of the same recording or folder that give the same reason.

    Args:
        warnings: the warnings, for example one per image of a folder.

    Returns:
        One warning for all frames with the same name and reason, in the order of their first.
    """
    frames_of: dict[tuple[str, str], dict[str, None]] = {}
    for warning in warnings:
        frames_of.setdefault((warning.name, warning.reason), {}).update(dict.fromkeys(warning.frames))
    return [FrameGeometryWarning(name, reason, tuple(frames)) for (name, reason), frames in frames_of.items()]


# Earlier times, in seconds since the epoch, are not those of a recording (1973): they count from the start of a video.
FIRST_TIME = 1e8


def utc_time(seconds: float | None) -> str:
    """Return a time as ISO 8601 in UTC; empty if it is not known, or counts from the start of a video.

    Example:
        >>> utc_time(1.6e9), utc_time(12.5), utc_time(None)
        ('2020-09-13T12:26:40.000+00:00', '', '')
    """
    return iso_time(seconds) if seconds is not None and seconds >= FIRST_TIME else ""


def iso_time(seconds: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, to the millisecond.

    A time that the calendar cannot represent, such as one from a damaged header, is returned in seconds.

    Example:
        >>> iso_time(0)
        '1970-01-01T00:00:00.000+00:00'
        >>> iso_time(1e18)
        '1e+18 s'
    """
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"
