"""Reader of Tritech Gemini recordings, through pytritech.

pytritech is licensed under the GNU GPL. It is therefore neither a dependency nor an extra: users install it themselves.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.frames.frame import ALL_FRAMES, FrameSelection, RawFrame, ReaderItem, frame_or_damaged
from sonar_debris.frames.scan_conversion import convert_scan

if TYPE_CHECKING:
    from pytritech.glf import GLF
    from pytritech.image import ImageRecord


def read_gemini(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of a recording one by one; pytritech keeps the compressed recording in memory.

    Args:
        path: the ``.glf`` file.
        selection: the frames to read.

    Yields:
        The frames, and a `DamagedFrame` for each one that cannot be read.

    Raises:
        OSError: the file cannot be opened.
        ValueError: pytritech is not installed, or cannot read the file.
    """
    with _open_recording(path) as recording:
        for index in selection.indices(len(recording.images)):
            yield frame_or_damaged(index, partial(_read_frame, recording, index))


def count_gemini(path: Path) -> int:
    """Return the number of frames of a recording."""
    with _open_recording(path) as recording:
        return len(recording.images)


@contextmanager
def _open_recording(path: Path) -> Iterator[GLF]:
    if importlib.util.find_spec("pytritech") is None:
        raise ValueError("reading Gemini recordings needs pytritech, under the GNU GPL: pip install pytritech")
    from pytritech.glf import GLF

    try:
        with GLF(str(path)) as recording:
            yield recording
    except (ValueError, OSError):
        raise
    except Exception as error:  # pytritech fails on damaged files with assertions and errors of many other types
        raise ValueError(f"not a Gemini recording that pytritech reads ({error or type(error).__name__})") from error


def _read_frame(recording: GLF, index: int) -> RawFrame:
    record = recording.images[index]
    echoes, bearings, first_range, range_step = _read_scan(recording, record)
    image, fan = convert_scan(echoes, bearings, first_range, range_step)
    return RawFrame(image / np.float32(255), index, record.db_tx_time.timestamp(), fan)


def _read_scan(recording: GLF, record: ImageRecord) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return echoes ``(samples, beams)``, bearings in degrees, first range and range step in metres.

    The leftmost beam comes first.
    """
    data, (beams, samples) = recording.extract_image(record)
    if beams < 2 or samples < 2 or len(data) != beams * samples or not record.modulation_freq:
        raise ValueError(f"{len(data)} bytes do not fit {samples} samples × {beams} beams")
    # pytritech gives radians to the left.
    bearings = -np.degrees(np.asarray(record.bearing_table))
    order = np.argsort(bearings, kind="stable")
    if not (np.isfinite(bearings).all() and (np.diff(bearings[order]) > 0).all()):
        raise ValueError("its beams do not have distinct bearings")
    range_step = record.sos_at_xd / 2 / record.modulation_freq
    echoes = np.frombuffer(data, np.uint8).reshape(samples, beams)
    return echoes[:, order], bearings[order], record.range_start * range_step, range_step
