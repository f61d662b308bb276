"""Reader of NumPy arrays: NPY."""

from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import check_shape, to_grey

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_array(path: Path, name: str) -> Iterator[Frame]:
    """Read the one frame of an NPY file: ``(rows, cols)`` or ``(rows, cols, 1, 3 or 4)`` bool, integer or float.

    Args:
        path: the NPY file; colour is RGB or RGBA.
        name: the name that the frame shall bear.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no NPY file, or its array is no frame.
    """
    with path.open("rb") as file:
        _check_header(file)
        file.seek(0)
        pixels = np.load(file, allow_pickle=False)
    yield Frame(to_grey(pixels), source=path, name=name)


def _check_header(file: BinaryIO) -> None:
    """Refuse what is no frame before memory is spent on it."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"NPY must be of version 1.0 or 2.0. Received: {version[0]}.{version[1]}")
    try:
        shape, _, dtype = _HEADERS[version](file)
    except TokenError:
        raise ValueError("the NPY header is damaged") from None
    check_shape(shape)
    if dtype.kind not in "biuf":
        raise ValueError(f"pixels must be bool, integer or float. Received: dtype {dtype}")
