"""Write frames as PNG images or as a lossless video, with what is known of them in ``geometry.json``."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

import cv2

from sonar_debris.errors import SonarDebrisWarning
from sonar_debris.files import open_output_folder, remove_marked_pngs, write_png
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import white_level
from sonar_debris.frames.sidecar import write_sidecar
from sonar_debris.frames.video import silent_ffmpeg

VIDEO_SUFFIXES = (".mp4", ".mkv")
# Lossless: in a lossy video the detector finds other weak objects than in the recording.
CODEC = "FFV1"
DEFAULT_RATE = 10.0
_SCALED = (
    "its pixels exceed 1, or are dark and have more than 8 bits; frames like it are scaled to 8 bits each by its own "
    "range, so that brightness does not compare between them"
)


def convert_frames(
    frames: Iterable[Frame],
    output: Path,
    rate: float = DEFAULT_RATE,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write frames to a folder of PNG images, or to a video, with their geometry, navigation and time.

    These go into ``geometry.json`` in the same folder, where `open_frames` reads them. Pixels become 8-bit integers:
    255 for 1, or for the `white_level` of frames with other values.

    Args:
        frames: the frames, for example from `open_frames`.
        output: a folder, or a video file if it ends in ``.mp4`` or ``.mkv``. Missing folders are created.
        rate: frames per second of a video.
        progress: called with the number of frames written so far, after each frame.

    Returns:
        The number of frames written.

    Raises:
        OutputError: the folder cannot be created or written to.
        OSError: a file cannot be written, or the frames of a video differ in size.
        KeyboardInterrupt: the run was interrupted; the frames so far are written.

    Warns:
        SonarDebrisWarning: white does not stand for 1 in some frames; once.

    Example:
        >>> convert_frames(open_frames("dive-07.aris"), Path("dive-07.mkv"))  # doctest: +SKIP
    """
    folder = open_output_folder(output.parent if is_video(output) else output)
    written: list[tuple[str, Frame]] = []
    try:
        with VideoWriter(output, rate) if is_video(output) else PngWriter(output) as writer:
            is_scaled = False
            for frame in frames:
                file_name = writer.write(frame)
                if not is_scaled and white_level(frame.image) != 1:
                    is_scaled = True
                    warnings.warn(SonarDebrisWarning(f"{frame.name}: {_SCALED}"), stacklevel=2)
                written.append((file_name, without_image(frame)))
                if progress:
                    progress(len(written))
    except KeyboardInterrupt:
        write_sidecar(folder, written)
        raise
    write_sidecar(folder, written)
    return len(written)


def is_video(path: Path) -> bool:
    """Return whether a path names a video rather than a folder."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def without_image(frame: Frame) -> Frame:
    """Return a frame's metadata with an empty image: a long recording's images would fill the memory."""
    # A copy, as a view, however small, would keep the whole image in memory.
    return replace(frame, image=frame.image[:0].copy())


class FrameWriter(ABC):
    """Write frames one after the other; use it in a ``with`` statement.

    Example:
        >>> with PngWriter(Path("images")) as writer:  # doctest: +SKIP
        ...     writer.write(frame)
        'frame-000000.png'
    """

    @abstractmethod
    def write(self, frame: Frame) -> str:
        """Write a frame and return the name of its file."""

    @abstractmethod
    def close(self) -> None:
        """Complete the output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class PngWriter(FrameWriter):
    """Write each frame as a PNG image; the first is ``frame-000000.png``. Images of an earlier run are removed.

    Args:
        folder: where the images are written; must exist.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        remove_marked_pngs(folder, "frame-*.png")
        self._count = 0

    def write(self, frame: Frame) -> str:
        """Write a frame and return the name of its file."""
        name = f"frame-{self._count:06d}.png"
        write_png(self.folder / name, frame.as_bytes())
        self._count += 1
        return name

    def close(self) -> None:
        """Do nothing: each image is complete when it is written."""


class VideoWriter(FrameWriter):
    """Write all frames, which must have the same size, as one lossless video (FFV1).

    Args:
        path: the video; its suffix decides the container.
        rate: frames per second.
    """

    def __init__(self, path: Path, rate: float = DEFAULT_RATE):
        self.path = path
        self.rate = rate
        self._part = path.with_name(f"{path.stem}-part{path.suffix}")
        self._shape: tuple[int, ...] = ()
        self._video: cv2.VideoWriter | None = None

    def write(self, frame: Frame) -> str:
        """Add a frame and return the video's name.

        Raises:
            OSError: the video cannot be written, or the frame differs in size from the first.
        """
        rows, cols = frame.image.shape
        # The codec halves the resolution of colour, so it needs an even number of rows and columns.
        pad_rows, pad_cols = rows % 2, cols % 2
        if self._video is None:
            size = (cols + pad_cols, rows + pad_rows)
            self._shape = (rows, cols)
            with silent_ffmpeg():
                self._video = cv2.VideoWriter(str(self._part), cv2.VideoWriter.fourcc(*CODEC), self.rate, size)
            if not self._video.isOpened():
                raise OSError(f"{self.path}: the video cannot be written")
        if frame.image.shape != self._shape:
            raise OSError(f"{self.path}: the frames of a video must have the same size; convert to images instead")
        padded = cv2.copyMakeBorder(frame.as_bytes(), 0, pad_rows, 0, pad_cols, cv2.BORDER_CONSTANT)
        self._video.write(cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR))
        return self.path.name

    def close(self) -> None:
        """Complete the video; only then it appears under its name."""
        if self._video is not None:
            self._video.release()
            self._part.replace(self.path)
