"""Reader of videos, through OpenCV."""

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.frames.frame import Frame, FrameReadWarning
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.pixels import check_shape, to_grey

# FFmpeg's own messages about a damaged file would stand beside the one line that is enough.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def read_video(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame]:
    """Read the frames of a video one by one; their time is in seconds from its start.

    Args:
        path: the video: whatever container and codec OpenCV's FFmpeg reads.
        name: the name that the frames shall bear.
        wanted: which frames; those between are skipped undecoded.

    Raises:
        ValueError: the file is damaged, no video, or of a codec that is not known here.

    Warns:
        FrameReadWarning: the video ends before its last frame.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise ValueError("not a video that can be read here: damaged, cut off, or of an unknown codec")
        shape = int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(video.get(cv2.CAP_PROP_FRAME_WIDTH))
        check_shape(shape)
        announced = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        # A video's count is an estimate: frames beyond it are read as well.
        chosen = range(*wanted.frames.indices(sys.maxsize))
        index = 0
        while index < chosen.stop and video.grab():
            if index in chosen:
                time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                yield Frame(_decode(video), path, name, index, time)
            index += 1
        _check_end(name, index, min(announced, chosen.stop))
    finally:
        video.release()


def _decode(video: cv2.VideoCapture) -> np.ndarray:
    whole, pixels = video.retrieve()
    if not whole:
        raise ValueError("a frame of the video cannot be decoded")
    return to_grey(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def describe_video(path: Path) -> dict:
    """What ``info`` tells of a video: its rate and its length."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        rate, frames = video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)
    finally:
        video.release()
    return {"frame_rate_hz": round(rate, 3), "duration_s": round(frames / rate, 3)} if rate > 0 else {}


def count_video(path: Path) -> int:
    """The number of frames that a video announces."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        video.release()


def _check_end(name: str, read: int, announced: int) -> None:
    if not read:
        raise ValueError("no frame of the video can be decoded")
    if read < announced:
        warnings.warn(FrameReadWarning(name, f"ends after {read} of {announced} frames"), stacklevel=3)
