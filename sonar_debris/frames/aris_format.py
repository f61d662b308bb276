"""The layout of ARIS recordings as NumPy structured types, and a writer of recordings for tests and simulated dives.

A recording is a file header followed by frames. A frame is a header followed by one byte per sample, in which 0 to 255
covers 0 to 80 dB. All numbers are little-endian.

Reference:
    Sound Metrics, ARIS File SDK (MIT licence), https://github.com/SoundMetrics/aris-file-sdk.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SIGNATURE = 0x05464444  # "DDF\x05"
HEADER_BYTES = 1024

FILE_HEADER = np.dtype(
    {"names": ["signature", "frames"], "formats": ["<u4", "<u4"], "offsets": [0, 4], "itemsize": HEADER_BYTES}
)

# Offset and type of the header fields that are read, by name. The other fields are ignored.
FIELDS = {
    "frame_index": (0, "<u4"),
    "frame_time": (4, "<u8"),  # microseconds since the epoch
    "signature": (12, "<u4"),
    "window_start": (52, "<f4"),  # metres, as set by the operator, with another sound speed than the one below
    "window_length": (56, "<f4"),
    "depth": (128, "<f4"),  # metres
    "heading": (160, "<f4"),  # degrees
    "latitude": (172, "<f8"),  # degrees
    "longitude": (180, "<f8"),
    "ping_mode": (436, "<u4"),
    "high_frequency": (440, "<u4"),
    "sample_period": (452, "<u4"),  # microseconds
    "frame_rate": (460, "<f4"),  # hertz
    "sound_speed": (464, "<f4"),  # metres per second
    "samples_per_beam": (468, "<u4"),
    "sample_start_delay": (476, "<u4"),  # microseconds
    "large_lens": (480, "<u4"),
    "system": (484, "<u4"),
    "reordered": (516, "<u4"),
}
FRAME_HEADER = np.dtype(
    {
        "names": list(FIELDS),
        "formats": [type_code for _, type_code in FIELDS.values()],
        "offsets": [offset for offset, _ in FIELDS.values()],
        "itemsize": HEADER_BYTES,
    }
)

SYSTEMS = {0: "ARIS 1800", 1: "ARIS 3000", 2: "ARIS 1200"}
# Low and high frequency of each system, in MHz, from the maker's data sheets.
FREQUENCIES = {0: (1.1, 1.8), 1: (1.8, 3.0), 2: (0.7, 1.2)}
# Number of beams by ping mode; ping modes count from 1.
BEAMS = dict(enumerate([48] * 2 + [96] * 3 + [64] * 3 + [128] * 4, start=1))

# The bearing of a beam is a·u + b·u³ degrees for u from -1 (leftmost) to 1. These (a, b) were fitted to the maker's
# tables of beam angles; the largest error is 0.06 degrees. Keys: number of beams, and whether the large (telephoto)
# lens is mounted.
BEARINGS = {
    (48, False): (15.856, -2.329),
    (64, False): (15.057, -0.341),
    (96, False): (16.194, -2.399),
    (128, False): (15.058, -0.342),
    (48, True): (7.047, -0.310),
    (96, True): (7.606, -0.185),
}


def beam_bearings(beams: int, large_lens: bool) -> np.ndarray:
    """Return the bearings of the beams' centres.

    For a combination that the maker does not list, the large lens is assumed to halve the angles.

    Args:
        beams: number of beams: 48, 64, 96 or 128.
        large_lens: whether the large (telephoto) lens is mounted.

    Returns:
        ``(beams,)`` degrees, increasing: the leftmost beam first.
    """
    if (beams, large_lens) in BEARINGS:
        a, b = BEARINGS[beams, large_lens]
    else:
        a, b = (coefficient / 2 for coefficient in BEARINGS[beams, False])
    u = np.linspace(-1, 1, beams)
    return a * u + b * u**3


def write_aris(path: Path, frames: Iterable[tuple[np.ndarray, Mapping[str, Any]]]) -> int:
    """Write a recording.

    Args:
        path: the file.
        frames: for each frame its echoes ``(samples, beams)`` uint8, nearest range and leftmost beam first, and the
            fields of its header, with the names of `FRAME_HEADER`. Missing fields that follow from the echoes are
            filled in; other missing fields are 0.

    Returns:
        The number of frames written.

    Raises:
        ValueError: no ping mode has this number of beams.
    """
    count = 0
    with path.open("wb") as file:
        file.write(_pack_file_header(0))
        for echoes, fields in frames:
            samples, beams = echoes.shape
            file.write(_pack_frame_header(samples, beams, count, fields))
            file.write(np.ascontiguousarray(echoes[:, ::-1], np.uint8).tobytes())  # rightmost beam first
            count += 1
        file.seek(0)
        file.write(_pack_file_header(count))
    return count


def _pack_file_header(count: int) -> bytes:
    header = np.zeros(1, FILE_HEADER)
    header["signature"], header["frames"] = SIGNATURE, count
    return header.tobytes()


def _pack_frame_header(samples: int, beams: int, index: int, fields: Mapping[str, Any]) -> bytes:
    modes = [mode for mode, number in BEAMS.items() if number == beams]
    if not modes:
        raise ValueError(f"an ARIS has {', '.join(map(str, sorted(set(BEAMS.values()))))} beams. Received: {beams}")
    defaults = {
        "reordered": 1,
        "signature": SIGNATURE,
        "samples_per_beam": samples,
        "frame_index": index,
        "ping_mode": modes[0],
    }
    header = np.zeros(1, FRAME_HEADER)
    for name, value in {**defaults, **fields}.items():
        header[name] = value
    return header.tobytes()
