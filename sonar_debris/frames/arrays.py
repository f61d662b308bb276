"""Reader of NumPy arrays: NPY and NPZ files with one frame or a stack of frames."""

import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from sonar_debris.frames.frame import (
    ALL_FRAMES,
    DamagedFrame,
    FrameSelection,
    RawFrame,
    ReaderItem,
    frame_or_damaged,
    natural_sort_key,
    shift_slice,
)
from sonar_debris.frames.pixels import check_shape, to_grey

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_CHANNELS = (1, 3, 4)
# Longest header, as in NumPy: a longer one takes too long to parse.
_MAX_HEADER_BYTES = 10_000


class _Layout(NamedTuple):
    """Where the frames of an NPY array lie in its file.

    Attributes:
        declared: number of frames that the header declares.
        complete: number of frames that the file holds.
        frame_shape: shape of a frame.
        dtype: type of the pixels.
        order: memory order of a frame, ``C`` or ``F``.
        begin: offset of the first frame in the file.
    """

    declared: int
    complete: int
    frame_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    begin: int


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
        layout = _read_layout(file, _file_size(file))
        for index, pixels in _read_pixels(file, layout, selection.frames):
            yield frame_or_damaged(index, partial(_to_frame, pixels, index))


def read_archive(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of all arrays of an NPZ file, in natural order of the arrays' names: see `read_array`.

    Args:
        path: the NPZ file.
        selection: the frames to read; they are counted over all arrays.

    Yields:
        The frames, and a `DamagedFrame` for each one with invalid pixels and for each array that is damaged, or is
        neither a frame nor a stack of frames.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, or not NPZ.
    """
    position = 0
    with _open_archive(path) as archive:
        for member in _list_members(archive):
            frames = shift_slice(selection.frames, position)
            count, following = 1, frames.start or 0
            try:
                with _single_error_type(), archive.open(member) as file:
                    layout = _read_layout(file, member.file_size)
                    count = _count_incomplete(layout)
                    for index, pixels in _read_pixels(file, layout, frames):
                        yield frame_or_damaged(position + index, partial(_to_frame, pixels, position + index))
                        following = index + (frames.step or 1)
            except ValueError as error:
                if range(count)[frames]:
                    yield DamagedFrame(position + min(following, count - 1), f"{member.filename}: {error}")
            position += count


def count_array(path: Path) -> int:
    """Return the number of frames of an NPY file."""
    with path.open("rb") as file:
        return max(1, _read_layout(file, _file_size(file)).complete)


def count_archive(path: Path) -> int:
    """Return the number of frames of the arrays of an NPZ file; an array that cannot be read counts as one."""
    with _open_archive(path) as archive:
        return sum(_count_member(archive, member) for member in _list_members(archive))


def _count_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    try:
        with _single_error_type(), archive.open(member) as file:
            return _count_incomplete(_read_layout(file, member.file_size))
    except ValueError:
        return 1


def _count_incomplete(layout: _Layout) -> int:
    """Return the number of frames with that in which the array ends, if it is truncated."""
    return min(layout.declared, layout.complete + 1)


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    with path.open("rb") as file:
        with _single_error_type():
            archive = zipfile.ZipFile(file)
        with archive:
            if not archive.namelist():
                raise ValueError("the NPZ file holds no arrays")
            yield archive


def _list_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return sorted(archive.infolist(), key=lambda member: natural_sort_key(member.filename))


@contextmanager
def _single_error_type() -> Iterator[None]:
    """Turn every error that a damaged archive makes zipfile and the decompressors raise into a ValueError."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the file system; that of bz2 has no number
        raise ValueError(f"not a readable NPZ file ({error})") from error


def _file_size(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _to_frame(pixels: np.ndarray, index: int) -> RawFrame:
    return RawFrame(to_grey(pixels), index)


def _read_pixels(file: IO[bytes], layout: _Layout, frames: slice) -> Iterator[tuple[int, np.ndarray]]:
    """Yield index and pixels of the selected frames of an NPY array."""
    size = math.prod(layout.frame_shape) * layout.dtype.itemsize
    for index in range(layout.declared)[frames]:
        data = b""
        if index < layout.complete:
            file.seek(layout.begin + index * size)
            data = file.read(size)
        if len(data) < size:
            raise ValueError(f"truncated within frame {min(index, layout.complete)} of {layout.declared}")
        pixels = np.frombuffer(data, layout.dtype).reshape(layout.frame_shape, order=layout.order)
        yield index, pixels


def _read_layout(file: IO[bytes], file_size: int) -> _Layout:
    """Read the header of an NPY file; refuse what is not frames before memory is allocated for it."""
    shape, is_fortran_order, dtype = _read_header(file)
    declared, frame_shape = _split_shape(shape)
    check_shape(frame_shape)
    if declared < 1:
        raise ValueError(f"the stack holds no frames. Received: shape {shape}")
    if is_fortran_order and declared != 1:
        raise ValueError("the stack is in Fortran order, in which frames are not contiguous; save it in C order")
    begin = file.tell()
    complete = min(declared, (file_size - begin) // (math.prod(frame_shape) * dtype.itemsize))
    return _Layout(declared, complete, frame_shape, dtype, "F" if is_fortran_order else "C", begin)


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
    length = file.read(2 * version[0])  # the size of the header has 2 bytes in version 1, and 4 in version 2
    size = int.from_bytes(length, "little")
    if size > _MAX_HEADER_BYTES:
        raise ValueError(f"the NPY header is too long: at most {_MAX_HEADER_BYTES} bytes. Received: {size}")
    try:
        shape, is_fortran_order, dtype = _HEADER_READERS[version](BytesIO(length + file.read(size)))
    except Exception as error:  # the header is a Python literal: a hostile one fails in many ways
        reason = str(error).partition(":")[0]  # what follows is the header
        raise ValueError(f"the NPY header is damaged ({reason})") from error
    if dtype.kind not in "biuf":
        raise ValueError(f"pixels must be bool, integer or float. Received: dtype {dtype}")
    return shape, is_fortran_order, dtype
