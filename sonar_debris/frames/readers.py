"""Which reader opens which file.

A reader is a function of a file's path, of the name that its frames shall bear, and of what of it is wanted. It yields
the file's frames one by one, a `DamagedFrame` in place of one that cannot be read, and raises OSError or ValueError,
with the reason as message, where the file gives no more. Beside it stands a function that tells, without decoding them,
how many frames a file holds.

Other packages add readers by entry points of the group ``sonar_debris.readers``: the entry point's name is the suffix
without its dot, its object a `Format`.

MERGED:
Recordings whose formats have no open description, and how to get their frames out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from sonar_debris.frames.aris import count_aris, describe_aris, read_aris
from sonar_debris.frames.arrays import count_archive, count_array, read_archive, read_array
from sonar_debris.frames.frame import DamagedFrame, Frame
from sonar_debris.frames.frame_selection import FrameSelection
from sonar_debris.frames.gemini import count_gemini, read_gemini
from sonar_debris.frames.images import count_images, read_image
from sonar_debris.frames.ros import count_ros, describe_ros, read_ros
from sonar_debris.frames.video import count_video, describe_video, read_video

GROUP = "sonar_debris.readers"


def _nothing_more(path: Path) -> dict:
    return {}


@dataclass(frozen=True)
class Format:
    """A format of files that hold frames.

    Attributes:
        name: as people call it.
        read: yields the wanted frames of a file.
        count: tells how many there are; raises OSError or ValueError where the file cannot be read.
        describe: what ``info`` tells of a file beside what its frames tell.
    """

    name: str
    read: Callable[[Path, str, FrameSelection], Iterator[Frame | DamagedFrame]]
    count: Callable[[Path], int]
    describe: Callable[[Path], dict] = _nothing_more


_IMAGE = Format("image", read_image, count_images)
_VIDEO = Format("video", read_video, count_video, describe_video)
_ROS = Format("ROS bag", read_ros, count_ros, describe_ros)

_OWN: dict[str, Format] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm"), _IMAGE),
    ".npy": Format("NumPy array", read_array, count_array),
    ".npz": Format("NumPy archive", read_archive, count_archive),
    ".aris": Format("ARIS recording", read_aris, count_aris, describe_aris),
    ".glf": Format("Gemini recording", read_gemini, count_gemini),
    **dict.fromkeys((".bag", ".mcap", ".db3"), _ROS),
    **dict.fromkeys((".mp4", ".avi", ".mkv", ".mov"), _VIDEO),
}


@cache
def known_formats() -> dict[str, Format]:
    """The format of each suffix: our own, then those of other packages."""
    return _OWN | {f".{point.name.lower()}": point.load() for point in entry_points(group=GROUP)}


def find_format(path: Path) -> Format | None:
    """Return the format that a file's suffix, upper case or lower, tells, or None."""
    return known_formats().get(path.suffix.lower())


UNSUPPORTED_FORMATS = {
    ".oculus": "a Blueprint Subsea Oculus recording, whose format is not open: export it from Oculus ViewPoint as MP4",
    ".son": "a BlueView recording, whose format is not open: export it from ProViewer as AVI or images",
    ".ddf": "a DIDSON recording, whose format is not open: export it from the DIDSON software as AVI or JPEG",
    ".ecd": "a Tritech recording, whose format is not open: export it from Gemini SeaNet as AVI or GLF",
}
