"""The layout of ARIS recordings, as NumPy structured types.

A recording is a file header and then frames, each a header and one byte a sample: 0 to 255 spans 0 to 80 dB. All
numbers are little-endian.

Reference:
    Sound Metrics, ARIS File SDK (MIT licence), https://github.com/SoundMetrics/aris-file-sdk.

MERGED:
Writer of ARIS recordings, for tests and for simulated surveys.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

SIGNATURE = 0x05464444  # "DDF\x05"
HEADER_BYTES = 1024

FILE_HEADER = np.dtype(
    {"names": ["signature", "frames"], "formats": ["<u4", "<u4"], "offsets": [0, 4], "itemsize": HEADER_BYTES}
)

# name: offset and type of the fields that are read; the rest of a header is kept as it is.
FIELDS = {
    "frame_index": (0, "<u4"),
    "frame_time": (4, "<u8"),  # microseconds since the epoch
    "signature": (12, "<u4"),
    "window_start": (52, "<f4"),  # metres, as it was set: the sound speed has changed since
    "window_length": (56, "<f4"),
    "depth": (128, "<f4"),  # metres
    "heading": (160, "<f4"),  # degrees
    "latitude": (172, "<f8"),  # degrees
    "longitude": (180, "<f8"),
    "ping_mode": (436, "<u4"),
    "high_frequency": (440, "<u4"),
    "sample_period": (452, "<u4"),  # microseconds
    "frame_rate": (460, "<f4"),  # hertz
    "sound_speed": (464, "<f4"),  # metres a second
    "samples_per_beam": (468, "<u4"),
    "sample_start_delay": (476, "<u4"),  # microseconds
    "large_lens": (480, "<u4"),
    "system": (484, "<u4"),
    "reordered": (516, "<u4"),
}
FRAME_HEADER = np.dtype(
    {
        "names": list(FIELDS),
        "formats": [kind for _, kind in FIELDS.values()],
        "offsets": [offset for offset, _ in FIELDS.values()],
        "itemsize": HEADER_BYTES,
    }
)

SYSTEMS = {0: "ARIS 1800", 1: "ARIS 3000", 2: "ARIS 1200"}
# By ping mode, from 1.
BEAMS = dict(enumerate([48] * 2 + [96] * 3 + [64] * 3 + [128] * 4, start=1))

# The bearing of a beam is a·u + b·u³ degrees for u from -1 (leftmost) to 1: fitted to the maker's tables of beam
# angles, within 0.06 degrees of each. By number of beams, without and with the large (telephoto) lens.
BEARINGS = {
    (48, False): (15.856, -2.329),
    (64, False): (15.057, -0.341),
    (96, False): (16.194, -2.399),
    (128, False): (15.058, -0.342),
    (48, True): (7.047, -0.310),
    (96, True): (7.606, -0.185),
}


def beam_bearings(beams: int, large_lens: bool) -> np.ndarray:
    """Bearings ``(beams,)`` of the beams' centres in degrees, rising: the leftmost beam first.

    Of a combination that the maker does not list, the large lens is taken to halve the angles.
    """
    a, b = BEARINGS.get((beams, large_lens)) or (each / 2 for each in BEARINGS[beams, False])
    u = np.linspace(-1, 1, beams)
    return a * u + b * u**3


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
