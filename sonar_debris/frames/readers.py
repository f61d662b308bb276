"""Which reader opens which file.

A reader is a function of a file's path and of the name that its frames shall bear. It yields the file's frames one
by one, and raises OSError or ValueError, with the reason as message, where the file gives none.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from sonar_debris.frames.aris import read_aris
from sonar_debris.frames.arrays import read_archive, read_array
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.images import read_image
from sonar_debris.frames.video import read_video

Reader = Callable[[Path, str], Iterator[Frame]]

READERS: dict[str, Reader] = {
    ".png": read_image,
    ".jpg": read_image,
    ".jpeg": read_image,
    ".tif": read_image,
    ".tiff": read_image,
    ".bmp": read_image,
    ".pgm": read_image,
    ".npy": read_array,
    ".npz": read_archive,
    ".aris": read_aris,
    ".mp4": read_video,
    ".avi": read_video,
    ".mkv": read_video,
    ".mov": read_video,
}


def find_reader(path: Path) -> Reader | None:
    """Return the reader for a file's suffix, upper case or lower, or None."""
    return READERS.get(path.suffix.lower())
