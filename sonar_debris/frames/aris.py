"""Reader of ARIS recordings: raw beams in, fan-shaped frames out."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sonar_debris.frames.aris_format import beam_bearings
from sonar_debris.frames.aris_recording import ArisRecording, ranges
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.frame_read_error import FrameReadWarning
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.navigation import Navigation
from sonar_debris.frames.scan_conversion import to_fan

# Rows of the fan that a recording is converted to: as detection sees it, more would be shrunk again.
ROWS = 640


def read_aris(path: Path, name: str) -> Iterator[Frame]:
    """Read the frames of a recording one by one, whatever its size.

    Args:
        path: the ``.aris`` file.
        name: the name that its frames shall bear.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is no ARIS recording; or, after the frames before it, a frame is damaged.

    Warns:
        FrameReadWarning: the recording was cut off within a frame.
    """
    recording = ArisRecording(path)
    for index in range(len(recording)):
        yield aris_frame(recording, index, path, name)
    if recording.left_over:
        whole = len(recording)
        warnings.warn(
            FrameReadWarning(name, f"cut off within frame {whole}; the {whole} before it are whole"), stacklevel=2
        )


def count_aris(path: Path) -> int:
    """The number of whole frames of a recording."""
    return len(ArisRecording(path))


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
    fan = fan_of(header, bearings, recording.samples)
    image = to_fan(recording.echoes(index), fan, bearings, first, step)
    return Frame(
        image / np.float32(255),
        source=path,
        name=name,
        index=index,
        time=int(header["frame_time"]) / 1e6,
        geometry=fan,
        navigation=navigation(header),
    )


def fan_of(header: np.void, bearings: np.ndarray, samples: int) -> FanGeometry:
    """The fan between the outer edges of the outermost beams, from the first sample to the end of the last."""
    first, step = ranges(header)
    # To the edge of the outermost beam is half as far as from its centre to its neighbour's.
    edge = bearings[-1] + (bearings[-1] - bearings[-2]) / 2
    return FanGeometry.of_window(ROWS, first, first + samples * step, float(2 * edge))


def navigation(header: np.void) -> Navigation:
    """What the header knows of the sonar's place; sonars that know nothing write zeros."""
    latitude, longitude = float(header["latitude"]), float(header["longitude"])
    known = np.isfinite([latitude, longitude]).all() and (latitude, longitude) != (0, 0) and abs(latitude) <= 90
    place = (latitude, longitude) if known else (None, None)
    heading, depth = (float(header[key]) if np.isfinite(header[key]) else None for key in ("heading", "depth"))
    return Navigation(heading, *place, depth)
