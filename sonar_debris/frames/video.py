"""Reader of videos, through OpenCV."""

import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import cv2

from sonar_debris.frames.frame import ALL_FRAMES, FrameSelection, RawFrame, ReaderItem, TruncatedFile, frame_or_damaged
from sonar_debris.frames.pixels import check_shape, silent_opencv, to_grey

_FFMPEG_LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
_SILENT = "-8"
_MAX_RATE = 1e5
# Boxes of a file that are inspected: a fragment per second for days.
_MAX_BOXES = 10**6
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


class Container(NamedTuple):
    """What the structure of a video file says of its completeness.

    Attributes:
        is_truncated: whether the file is shorter than its structure says.
        has_count: whether its header has the number of frames. Matroska has only a duration; a recorder that was
            killed, or that wrote to a pipe, leaves no number, or a wrong one.
    """

    is_truncated: bool = False
    has_count: bool = False


def read_video(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of a video one by one; their time is in seconds from the start of the video.

    Args:
        path: the video, with any container and codec that OpenCV's FFmpeg reads.
        selection: the frames to read; the frames between them are skipped without decoding.

    Yields:
        The frames, a `DamagedFrame` for each one that cannot be decoded, and a `TruncatedFile` if the file is shorter
        than its structure says.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, not a video, or has an unknown codec.
    """
    container = inspect_container(path)
    with _open_video(path) as video:
        if not video.isOpened():
            raise ValueError("not a video that can be read here: damaged, truncated, or of an unknown codec")
        check_shape((int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(video.get(cv2.CAP_PROP_FRAME_WIDTH))))
        # The number of frames in the header may be an estimate: the video is read to its end.
        selected = selection.indices(sys.maxsize)
        index, time = 0, -1.0
        while index < selected.stop and video.grab():
            time = _next_time(video, time)
            if index in selected:
                yield frame_or_damaged(index, partial(_read_frame, video, index, time))
            index += 1
        if index == 0 and selected:
            raise ValueError("no frame of the video can be decoded")
        if index < selected.stop and container.is_truncated:
            expected = min(_announced_frames(path, video) or 0, selected.stop)
            yield TruncatedFile(f"ends after {index}{f' of {expected}' if expected > index else ''} frames")


def count_video(path: Path) -> int | None:
    """Return the number of frames in the header of a video; None if it has none, or only an estimate."""
    return estimate_video(path) if inspect_container(path).has_count else None


def estimate_video(path: Path) -> int | None:
    """Return the number of frames in the header of a video, or computed from its duration; None if it has neither."""
    with _open_video(path) as video:
        return _announced_frames(path, video)


def describe_video(path: Path) -> dict[str, Any]:
    """Return what ``info`` prints of a video: its frame rate and duration, as far as its header has them."""
    with _open_video(path) as video:
        rate, frames = video.get(cv2.CAP_PROP_FPS), _announced_frames(path, video)
    if not 0 < rate < _MAX_RATE:
        return {}
    return {"frame_rate_hz": round(rate, 3)} | ({"duration_s": round(frames / rate, 3)} if frames else {})


def inspect_container(path: Path) -> Container:
    """Inspect the outermost structure of an MP4, AVI or Matroska file.

    Args:
        path: the video.

    Returns:
        What its structure says; the same as of an unknown container if it is damaged.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(12)
        if start[4:8] == b"ftyp":
            return _inspect_mp4(file, size)
        if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            return _inspect_avi(file, size)
        if start[:4] == _EBML:
            return Container(is_truncated=_matroska_end(file) > size)
        return Container()


def _inspect_mp4(file: BinaryIO, size: int) -> Container:
    position, has_fragments = 0, False
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16).ljust(16, b"\0")
        box_size, box_type = struct.unpack(">I4s", header[:8])
        if box_size == 1:
            (box_size,) = struct.unpack(">Q", header[8:])
        elif box_size == 0:  # to the end of the file
            box_size = size - position
        # A video in fragments has the number of frames of each fragment, and no total.
        has_fragments |= box_type == b"moof"
        position += max(box_size, 8)
        if position >= size:
            return Container(position > size, not has_fragments and position == size)
    return Container()


def _inspect_avi(file: BinaryIO, size: int) -> Container:
    position = 0
    for _ in range(_MAX_BOXES):  # a file of more than a gigabyte has several chunks
        file.seek(position)
        identifier, chunk_size = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
        if identifier != b"RIFF" or chunk_size in (0, 2**32 - 1):  # a recorder writes the size when it ends
            return Container()
        position += 8 + chunk_size + chunk_size % 2
        if position >= size:
            return Container(position > size + 1, position <= size + 1)
    return Container()


def _matroska_end(file: BinaryIO) -> int:
    """Return the position where a Matroska file should end; 0 if its header does not say so."""
    file.seek(4)
    header_size = _read_vint(file)
    file.seek(file.tell() + header_size)
    if file.read(4) != _SEGMENT:
        return 0
    segment_size = _read_vint(file)
    return file.tell() + segment_size if segment_size else 0


def _read_vint(file: BinaryIO) -> int:
    """Read an integer of EBML, whose first byte says how many bytes it has; 0 if it stands for "not known"."""
    first = int.from_bytes(file.read(1), "big")
    length = 9 - first.bit_length()
    if not 1 <= length <= 8:
        return 0
    bits = 7 * length
    value = int.from_bytes(bytes([first]) + file.read(length - 1), "big") & (2**bits - 1)
    return 0 if value == 2**bits - 1 else value


def _announced_frames(path: Path, video: cv2.VideoCapture) -> int | None:
    """Return OpenCV's number of frames; None if the header has none: it is then negative, or greater than the file."""
    frames = video.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(frames) if 0 < frames <= path.stat().st_size else None


@contextmanager
def _open_video(path: Path) -> Iterator[cv2.VideoCapture]:
    with silent_opencv(), silent_ffmpeg():
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        yield video
    finally:
        video.release()


@contextmanager
def silent_ffmpeg() -> Iterator[None]:
    """Keep FFmpeg's messages off stderr, unless the user has set their level.

    OpenCV reads the level from the environment when it opens its first video, for reading or writing, and never again:
    each of these calls of the package is made inside this context.
    """
    if _FFMPEG_LOG_LEVEL in os.environ:
        yield
        return
    os.environ[_FFMPEG_LOG_LEVEL] = _SILENT
    try:
        yield
    finally:
        del os.environ[_FFMPEG_LOG_LEVEL]


def _next_time(video: cv2.VideoCapture, previous: float) -> float:
    """Return the time of a frame; AVI with frames that are predicted from later ones has none for the last frames."""
    time, rate = float(video.get(cv2.CAP_PROP_POS_MSEC)) / 1000, float(video.get(cv2.CAP_PROP_FPS))
    if time > previous or not 0 < rate < _MAX_RATE:
        return time
    return previous + 1 / rate


def _read_frame(video: cv2.VideoCapture, index: int, time: float) -> RawFrame:
    is_complete, pixels = video.retrieve()
    if not is_complete:
        raise ValueError("the frame cannot be decoded")
    return RawFrame(to_grey(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)), index, time)
