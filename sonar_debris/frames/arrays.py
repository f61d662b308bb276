"""Reader of NumPy arrays: NPY and NPZ, of one frame or of a stack of frames."""

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from sonar_debris.frames.frame import DamagedFrame, Frame, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection, natural_sort_key, shift_slice
from sonar_debris.frames.pixels import check_shape, to_grey

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_CHANNELS = (1, 3, 4)


def read_array(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
    """Read the frames of an NPY file, of which one is in memory at a time.

    ``(rows, cols)`` and ``(rows, cols, 1, 3 or 4)`` are one frame, whatever has another axis before is a stack:
    ``(frames, rows, cols)`` and ``(frames, rows, cols, 1, 3 or 4)``. Of bool, integer or float.

    Args:
        path: the NPY file; colour is RGB or RGBA.
        name: the name that the frames shall bear.
        wanted: which frames.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no NPY file, or its array is no frame and no stack of frames.
    """
    with path.open("rb") as file:
        for index, pixels in _read(file, wanted.frames):
            yield frame_or_damaged(index, partial(_frame, pixels, path, name, index))


def read_archive(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
    """Read the frames of all arrays of an NPZ file, in natural order of their names, as `read_array` does.

    Args:
        path: the NPZ file.
        name: the name that the frames shall bear.
        wanted: which frames.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no NPZ file, or one of its arrays is no frame and no stack of frames.
    """
    position = 0
    with _one_error(), zipfile.ZipFile(path) as archive:
        for member in sorted(archive.namelist(), key=natural_sort_key):
            with archive.open(member) as file:
                count = _split(_read_header(file)[0])[0]
            with archive.open(member) as file:
                for index, pixels in _read(file, shift_slice(wanted.frames, position), position):
                    yield frame_or_damaged(index, partial(_frame, pixels, path, name, index))
            position += count


def count_array(path: Path) -> int:
    """The number of frames that an NPY file declares."""
    with path.open("rb") as file:
        return _split(_read_header(file)[0])[0]


def count_archive(path: Path) -> int:
    """The number of frames that the arrays of an NPZ file declare."""
    with _one_error(), zipfile.ZipFile(path) as archive:
        return sum(_split(_read_header(archive.open(member))[0])[0] for member in archive.namelist())


@contextmanager
def _one_error() -> Iterator[None]:
    """Turn whatever a damaged archive makes zipfile raise into a ValueError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"not a readable NPZ file ({error})") from error


def _frame(pixels: np.ndarray, path: Path, name: str, index: int) -> Frame:
    return Frame(to_grey(pixels), source=path, name=name, index=index)


def _read(file: BinaryIO, chosen: slice, position: int = 0) -> Iterator[tuple[int, np.ndarray]]:
    """The pixels of chosen frames of an array in NPY format, each with its index, counted on from ``position``."""
    shape, in_columns, dtype = _read_header(file)
    frames, one = _split(shape)
    check_shape(one)
    if in_columns and frames != 1:
        raise ValueError("the stack is in Fortran order, in which no frame lies in one piece; save it in C order")
    begin, size = file.tell(), math.prod(one) * dtype.itemsize
    for index in range(*chosen.indices(frames)):
        file.seek(begin + index * size)
        data = file.read(size)
        if len(data) < size:
            raise ValueError(f"cut off within frame {position + index} of {position + frames}")
        yield position + index, np.frombuffer(data, dtype).reshape(one, order="F" if in_columns else "C")


def _split(shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """How many frames an array holds, and the shape of one."""
    coloured = len(shape) >= 3 and shape[-1] in _CHANNELS
    return (shape[0], shape[1:]) if len(shape) == (4 if coloured else 3) else (1, shape)


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Refuse what is no frame before memory is spent on it."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"NPY must be of version 1.0 or 2.0. Received: {version[0]}.{version[1]}")
    try:
        shape, in_columns, dtype = _HEADERS[version](file)
    except TokenError:
        raise ValueError("the NPY header is damaged") from None
    if dtype.kind not in "biuf":
        raise ValueError(f"pixels must be bool, integer or float. Received: dtype {dtype}")
    return shape, in_columns, dtype
