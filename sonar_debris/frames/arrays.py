"""Reader of NumPy arrays: NPY and NPZ files with one frame or a stack of frames."""

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from sonar_debris.frames.frame import RawFrame, ReaderItem, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection, natural_sort_key, shift_slice
from sonar_debris.frames.pixels import check_shape, to_grey

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_CHANNELS = (1, 3, 4)


def read_array(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of an NPY file; one frame is in memory at a time.

    ``(rows, cols)`` and ``(rows, cols, channels)`` are one frame. An array with one more axis in front is a stack:
    ``(frames, rows, cols)`` and ``(frames, rows, cols, channels)``. Channels are 1, 3 (RGB) or 4 (RGBA); pixels are
    bool, integer or float.

    Args:
        path: the NPY file.
        selection: the frames to read.

    Yields:
        The frames, and a `DamagedFrame` for each one with invalid pixels.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, not NPY, or its array is neither a frame nor a stack of frames.
    """
    with path.open("rb") as file:
        for index, pixels in _read_pixels(file, selection.frames):
            yield frame_or_damaged(index, partial(_to_frame, pixels, index))


def read_archive(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of all arrays of an NPZ file, in natural order of the arrays' names: see `read_array`.

    Args:
        path: the NPZ file.
        selection: the frames to read; they are counted over all arrays.

    Yields:
        The frames, and a `DamagedFrame` for each one with invalid pixels.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, not NPZ, or one of its arrays is neither a frame nor a stack of frames.
    """
    position = 0
    with _single_error_type(), zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist(), key=natural_sort_key):
            with archive.open(member) as file:
                count = _count_frames(file)
            with archive.open(member) as file:
                for index, pixels in _read_pixels(file, shift_slice(selection.frames, position), position):
                    yield frame_or_damaged(index, partial(_to_frame, pixels, index))
            position += count


def count_array(path: Path) -> int:
    """Return the number of frames that the header of an NPY file declares."""
    with path.open("rb") as file:
        return _count_frames(file)


def count_archive(path: Path) -> int:
    """Return the number of frames that the arrays of an NPZ file declare."""
    total = 0
    with _single_error_type(), zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                total += _count_frames(file)
    return total


@contextmanager
def _single_error_type() -> Iterator[None]:
    """Turn every error that a damaged archive makes zipfile raise into a ValueError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"not a readable NPZ file ({error})") from error


def _to_frame(pixels: np.ndarray, index: int) -> RawFrame:
    return RawFrame(to_grey(pixels), index)


def _read_pixels(file: IO[bytes], frames: slice, position: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """Yield index and pixels of the selected frames of an NPY array, whose first frame has the index ``position``."""
    shape, is_fortran_order, dtype = _read_header(file)
    count, frame_shape = _split_shape(shape)
    check_shape(frame_shape)
    if is_fortran_order and count != 1:
        raise ValueError("the stack is in Fortran order, in which frames are not contiguous; save it in C order")
    begin, size = file.tell(), math.prod(frame_shape) * dtype.itemsize
    for index in range(count)[frames]:
        file.seek(begin + index * size)
        data = file.read(size)
        if len(data) < size:
            raise ValueError(f"truncated within frame {position + index} of {position + count}")
        pixels = np.frombuffer(data, dtype).reshape(frame_shape, order="F" if is_fortran_order else "C")
        yield position + index, pixels


def _count_frames(file: IO[bytes]) -> int:
    shape, _, _ = _read_header(file)
    count, _ = _split_shape(shape)
    return count


def _split_shape(shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the number of frames of an array, and the shape of a frame."""
    has_channels = len(shape) >= 3 and shape[-1] in _CHANNELS
    is_stack = len(shape) == (4 if has_channels else 3)
    return (shape[0], shape[1:]) if is_stack else (1, shape)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether the order is Fortran's, and dtype; refuse other pixel types before they are read."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:
        raise ValueError(f"NPY must be of version 1.0 or 2.0. Received: {version[0]}.{version[1]}")
    try:
        shape, is_fortran_order, dtype = _HEADER_READERS[version](file)
    except TokenError:
        raise ValueError("the NPY header is damaged") from None
    if dtype.kind not in "biuf":
        raise ValueError(f"pixels must be bool, integer or float. Received: dtype {dtype}")
    return shape, is_fortran_order, dtype
