"""Change the headers of Matroska videos for tests, as other recorders write them."""

import struct
from pathlib import Path

DURATION = b"\x44\x89\x88"  # the element's id, and its length of 8 bytes
VOID = b"\xec\x89"  # an element that readers skip, with 9 bytes: as long as the duration
SEGMENT = b"\x18\x53\x80\x67"


def without_duration(path: Path) -> Path:
    """Change a video to one that was written to a pipe: its header has neither the duration nor the size of the file.

    Returns:
        The path.
    """
    data = bytearray(path.read_bytes())
    begin = data.index(DURATION)
    data[begin : begin + 11] = VOID + bytes(9)
    begin = data.index(SEGMENT) + 4
    data[begin : begin + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(data)
    return path


def with_duration(path: Path, seconds: float) -> Path:
    """Change the duration in the header of a video, from which the number of frames is estimated.

    Args:
        path: the video.
        seconds: the duration.

    Returns:
        The path.
    """
    data = bytearray(path.read_bytes())
    begin = data.index(DURATION) + 3
    data[begin : begin + 8] = struct.pack(">d", seconds * 1000)
    path.write_bytes(data)
    return path
