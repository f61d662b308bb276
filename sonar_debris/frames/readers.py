"""Which reader opens which file.

A reader is a function of a file's path and of the name that its frames shall bear. It yields the file's frames one
by one, and raises OSError or ValueError, with the reason as message, where the file gives none. Beside it stands a
function that tells, without decoding them, how many frames a file holds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sonar_debris.frames.aris import count_aris, read_aris
from sonar_debris.frames.arrays import count_archive, count_array, read_archive, read_array
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.images import count_images, read_image
from sonar_debris.frames.video import count_video, read_video


@dataclass(frozen=True)
class Format:
    """A format of files that hold frames.

    Attributes:
        name: as people call it.
        read: yields the frames of a file.
        count: tells how many there are; raises OSError or ValueError where the file cannot be read.
    """

    name: str
    read: Callable[[Path, str], Iterator[Frame]]
    count: Callable[[Path], int]


_IMAGE = Format("image", read_image, count_images)
_VIDEO = Format("video", read_video, count_video)

FORMATS: dict[str, Format] = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm"), _IMAGE),
    ".npy": Format("NumPy array", read_array, count_array),
    ".npz": Format("NumPy archive", read_archive, count_archive),
    ".aris": Format("ARIS recording", read_aris, count_aris),
    **dict.fromkeys((".mp4", ".avi", ".mkv", ".mov"), _VIDEO),
}


def find_format(path: Path) -> Format | None:
    """Return the format that a file's suffix, upper case or lower, tells, or None."""
    return FORMATS.get(path.suffix.lower())
