"""Reader of ARIS recordings: raw beams in, fan-shaped frames out."""

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from sonar_debris.frames.aris_format import SYSTEMS, beam_bearings
from sonar_debris.frames.aris_recording import ArisRecording, ranges
from sonar_debris.frames.damaged_frame import DamagedFrame, attempt
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.frame_read_error import FrameReadWarning
from sonar_debris.frames.navigation import Navigation
from sonar_debris.frames.scan_conversion import convert_scan
from sonar_debris.frames.times import iso_time
from sonar_debris.frames.wanted import EVERYTHING, Wanted


def read_aris(path: Path, name: str, wanted: Wanted = EVERYTHING) -> Iterator[Frame | DamagedFrame]:
    """Read the frames of a recording one by one, whatever its size.

    Args:
        path: the ``.aris`` file.
        name: the name that its frames shall bear.
        wanted: which frames.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is no ARIS recording.

    Warns:
        FrameReadWarning: the recording was cut off within a frame.
    """
    recording = ArisRecording(path)
    for index in range(*wanted.frames.indices(len(recording))):
        yield attempt(index, partial(aris_frame, recording, index, path, name))
    if recording.left_over:
        whole = len(recording)
        warnings.warn(
            FrameReadWarning(name, f"cut off within frame {whole}; the {whole} before it are whole"), stacklevel=2
        )


def count_aris(path: Path) -> int:
    """The number of whole frames of a recording."""
    return len(ArisRecording(path))


def describe_aris(path: Path) -> dict:
    """What ``info`` tells of a recording: the sonar and its settings, by names that carry the unit."""
    recording = ArisRecording(path)
    first = recording.header(0)
    begin, step = ranges(first)
    return {
        "sonar": SYSTEMS[int(first["system"])],
        "beams": recording.beams,
        "samples_per_beam": recording.samples,
        "large_lens": bool(first["large_lens"]),
        "sound_speed_m_s": round(float(first["sound_speed"]), 2),
        "range_m": [round(begin, 3), round(begin + recording.samples * step, 3)],
        "frame_rate_hz": round(float(first["frame_rate"]), 3),
        "time": [iso_time(recording.time(index)) for index in (0, len(recording) - 1)],
        "bytes_left_over": recording.left_over,
    }


def aris_frame(recording: ArisRecording, index: int, path: Path, name: str) -> Frame:
    """Scan-convert one frame of a recording.

    Args:
        recording: the recording.
        index: of the frame.
        path: the recording's file.
        name: the name that the frame shall bear.

    Raises:
        ValueError: the frame's header is damaged.
    """
    header = recording.header(index)
    first, step = ranges(header)
    bearings = beam_bearings(recording.beams, bool(header["large_lens"]))
    image, fan = convert_scan(recording.echoes(index), bearings, first, step)
    return Frame(
        image / np.float32(255),
        source=path,
        name=name,
        index=index,
        time=recording.time(index),
        geometry=fan,
        navigation=navigation(header),
    )


def navigation(header: np.void) -> Navigation:
    """What the header knows of the sonar's place; sonars that know nothing write zeros."""
    latitude, longitude = float(header["latitude"]), float(header["longitude"])
    known = np.isfinite([latitude, longitude]).all() and (latitude, longitude) != (0, 0) and abs(latitude) <= 90
    place = (latitude, longitude) if known else (None, None)
    heading, depth = (float(header[key]) if np.isfinite(header[key]) else None for key in ("heading", "depth"))
    return Navigation(heading, *place, depth)
