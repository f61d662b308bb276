"""The registry of readers: which reader opens which file.

A reader is a function of a path and a `FrameSelection`. It yields the selected frames one by one as `RawFrame`, a
`DamagedFrame` in place of each frame that cannot be read, and a `TruncatedFile` at the end of an incomplete file. Where
no more can be read, it raises an OSError or a ValueError with the reason as message. A reader knows neither the name of
the file in reports nor the user's settings: the loader adds these.

Other packages add readers through entry points of the group ``sonar_debris.readers``: the entry point's name is the
suffix without its dot, its object is a `Format`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sonar_debris.frames.aris import count_aris, describe_aris, read_aris
from sonar_debris.frames.arrays import count_archive, count_array, read_archive, read_array
from sonar_debris.frames.frame import FrameSelection, ReaderItem
from sonar_debris.frames.gemini import count_gemini, read_gemini
from sonar_debris.frames.images import count_images, read_image
from sonar_debris.frames.ros_bag import count_ros, describe_ros, read_ros
from sonar_debris.frames.ros_files import STORAGE_SUFFIXES, is_metadata, storage_suffix
from sonar_debris.frames.video import count_video, describe_video, estimate_video, read_video

GROUP = "sonar_debris.readers"


def _describe_nothing(path: Path) -> dict[str, Any]:
    return {}


def _estimate_nothing(path: Path) -> int | None:
    return None


@dataclass(frozen=True)
class Format:
    """A format of files that contain frames.

    Args:
        name: name of the format in reports.
        read: takes a file and a selection, and yields the selected frames.
        count: returns the number of frames of a file without decoding them, or None if only reading the file would
            tell; raises an OSError or a ValueError if the file cannot be read.
        describe: returns what ``info`` prints of a file in addition to what its first frame shows. The names carry the
            units.
        estimate: returns an estimate of the number of frames where ``count`` returns None, or None.
        has_topics: whether a file may have several sequences of frames. ``count`` and ``describe`` then have a second
            parameter: the name of the topic, or None.
        is_sequential: whether the frames before a frame have to be read to reach it.
    """

    name: str
    read: Callable[[Path, FrameSelection], Iterator[ReaderItem]]
    count: Callable[..., int | None]
    describe: Callable[..., dict[str, Any]] = _describe_nothing
    estimate: Callable[[Path], int | None] = _estimate_nothing
    has_topics: bool = False
    is_sequential: bool = False

    def count_frames(self, path: Path, topic: str | None = None) -> int | None:
        """Return the number of frames of a file, or None if only reading it would tell.

        Args:
            path: the file.
            topic: the topic that is to be read, if the format has topics.

        Returns:
            The number that `count` returns.
        """
        return self.count(path, topic) if self.has_topics else self.count(path)

    def describe_file(self, path: Path, topic: str | None = None) -> dict[str, Any]:
        """Return what ``info`` prints of a file in addition to what its first frame shows.

        Args:
            path: the file.
            topic: the topic that is to be read, if the format has topics.

        Returns:
            What `describe` returns.
        """
        return self.describe(path, topic) if self.has_topics else self.describe(path)


_IMAGE = Format("image", read_image, count_images)
_VIDEO = Format("video", read_video, count_video, describe_video, estimate_video, is_sequential=True)
_ROS = Format("ROS bag", read_ros, count_ros, describe_ros, has_topics=True, is_sequential=True)

_BUILT_IN: dict[str, Format] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm"), _IMAGE),
    ".npy": Format("NumPy array", read_array, count_array),
    ".npz": Format("NumPy archive", read_archive, count_archive),
    ".aris": Format("ARIS recording", read_aris, count_aris, describe_aris),
    ".glf": Format("Gemini recording", read_gemini, count_gemini),
    **dict.fromkeys((".bag", ".mcap", ".db3"), _ROS),
    **dict.fromkeys((".mp4", ".avi", ".mkv", ".mov"), _VIDEO),
}

# Recordings whose formats are not published, with what to do about them.
UNSUPPORTED_FORMATS = {
    ".oculus": "a Blueprint Subsea Oculus recording, whose format is not open: export it from Oculus ViewPoint as MP4",
    ".son": "a BlueView recording, whose format is not open: export it from ProViewer as AVI or images",
    ".ddf": "a DIDSON recording, whose format is not open: export it from the DIDSON software as AVI or JPEG",
    ".ecd": "a Tritech recording, whose format is not open: export it from Gemini SeaNet as AVI or GLF",
}


@cache
def known_formats() -> dict[str, Format]:
    """Return the format of each suffix: the built-in ones, then those of other packages."""
    return _BUILT_IN | {f".{point.name.lower()}": point.load() for point in entry_points(group=GROUP)}


def is_recognised(path: Path) -> bool:
    """Return whether a file's name is that of a known format, or of a recording in an unsupported format."""
    suffix = format_suffix(path)
    return is_metadata(path) or suffix in known_formats() or suffix in UNSUPPORTED_FORMATS


def format_suffix(path: Path) -> str:
    """Return the suffix that tells a file's format, in lower case: ``.db3`` for ``dive.DB3`` and ``dive.db3.zstd``."""
    suffix = storage_suffix(path)
    return suffix if suffix in STORAGE_SUFFIXES else path.suffix.lower()


def find_format(path: Path) -> Format:
    """Return the format of a file by its suffix; upper and lower case are the same.

    Raises:
        ValueError: the format is unsupported or not known; the message is the reason.
    """
    if is_metadata(path):
        return _ROS
    suffix = format_suffix(path)
    if suffix in UNSUPPORTED_FORMATS:
        raise ValueError(UNSUPPORTED_FORMATS[suffix])
    if suffix not in known_formats():
        raise ValueError(f"not a file of frames; known formats: {' '.join(known_formats())}")
    return known_formats()[suffix]
