"""Reader of Tritech Gemini recordings, through pytritech.

pytritech is under the GNU GPL, so it is no dependency of ours and no extra either: who wants it installs it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.frames.frame import DamagedFrame, Frame, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.scan_conversion import convert_scan

if TYPE_CHECKING:
    from pytritech.glf import GLF
    from pytritech.image import ImageRecord


def read_gemini(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
    """Read the frames of a recording; pytritech holds the compressed recording in memory.

    Args:
        path: the ``.glf`` file.
        name: the name that its frames shall bear.
        wanted: which frames.

    Raises:
        ValueError: pytritech is not installed, or cannot read the file.
    """
    with _open(path) as recording:
        for index in range(*wanted.frames.indices(len(recording.images))):
            yield frame_or_damaged(index, partial(_read, recording, index, path, name))


def count_gemini(path: Path) -> int:
    """The number of frames of a recording."""
    with _open(path) as recording:
        return len(recording.images)


@contextmanager
def _open(path: Path) -> Iterator[GLF]:
    if importlib.util.find_spec("pytritech") is None:
        raise ValueError("reading Gemini recordings needs pytritech, under the GNU GPL: pip install pytritech")
    from pytritech.glf import GLF

    try:
        with GLF(str(path)) as recording:
            yield recording
    except (ValueError, OSError):
        raise
    except Exception as error:  # pytritech asserts, and leaves what it meets in damaged files as it comes
        raise ValueError(f"not a Gemini recording that pytritech reads ({error or type(error).__name__})") from error


def _read(recording: GLF, index: int, path: Path, name: str) -> Frame:
    record = recording.images[index]
    image, fan = convert_scan(*_scan(recording, record))
    return Frame(image / np.float32(255), path, name, index, record.db_tx_time.timestamp(), fan)


def _scan(recording: GLF, record: ImageRecord) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Echoes ``(samples, beams)``, leftmost beam first, bearings in degrees, first range and step in metres."""
    data, (beams, samples) = recording.extract_image(record)
    if beams < 2 or samples < 2 or len(data) != beams * samples or not record.modulation_freq:
        raise ValueError(f"{len(data)} bytes do not fit {samples} samples × {beams} beams")
    # Radians, to the left; the leftmost beam comes first.
    bearings = -np.degrees(np.asarray(record.bearing_table))
    order = np.argsort(bearings, kind="stable")
    if not (np.isfinite(bearings).all() and (np.diff(bearings[order]) > 0).all()):
        raise ValueError("its beams do not look in different directions")
    step = record.sos_at_xd / 2 / record.modulation_freq
    echoes = np.frombuffer(data, np.uint8).reshape(samples, beams)
    return echoes[:, order], bearings[order], record.range_start * step, step
