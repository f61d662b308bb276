"""Writer of ARIS recordings, for tests and for simulated surveys."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sonar_debris.frames.aris_format import BEAMS, FILE_HEADER, FRAME_HEADER, SIGNATURE


def write_aris(path: Path, frames: Iterable[tuple[np.ndarray, dict]]) -> int:
    """Write a recording.

    Args:
        path: the file.
        frames: for each frame its echoes ``(samples, beams)`` uint8, nearest range and leftmost beam first, and the
            fields of its header by the names of `FRAME_HEADER`; what follows from the echoes is filled in where it is
            not given.

    Returns:
        The number of frames written.

    Raises:
        ValueError: no ping mode has such a number of beams.
    """
    count = 0
    with path.open("wb") as file:
        file.write(_file_header(0))
        for echoes, fields in frames:
            file.write(_frame_header(echoes.shape, count, fields))
            file.write(np.ascontiguousarray(echoes[:, ::-1], np.uint8).tobytes())  # beam 0 is the rightmost
            count += 1
        file.seek(0)
        file.write(_file_header(count))
    return count


def _file_header(count: int) -> bytes:
    header = np.zeros(1, FILE_HEADER)
    header["signature"], header["frames"] = SIGNATURE, count
    return header.tobytes()


def _frame_header(shape: tuple[int, int], index: int, fields: dict) -> bytes:
    samples, beams = shape
    modes = [mode for mode, number in BEAMS.items() if number == beams]
    if not modes:
        raise ValueError(f"an ARIS has {', '.join(map(str, sorted(set(BEAMS.values()))))} beams. Received: {beams}")
    header = np.zeros(1, FRAME_HEADER)
    filled = {"signature": SIGNATURE, "samples_per_beam": samples, "frame_index": index, "ping_mode": modes[0]}
    for name, value in ({"reordered": 1} | filled | fields).items():
        header[name] = value
    return header.tobytes()
