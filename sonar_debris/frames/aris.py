"""An ARIS recording on disk, any frame of it at hand without reading the others.

MERGED:
Reader of ARIS recordings: raw beams in, fan-shaped frames out.
"""

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from sonar_debris.frames.aris_format import (
    BEAMS,
    FILE_HEADER,
    FRAME_HEADER,
    HEADER_BYTES,
    SIGNATURE,
    SYSTEMS,
    beam_bearings,
)
from sonar_debris.frames.frame import DamagedFrame, Frame, FrameReadWarning, frame_or_damaged, iso_time
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.geometry import Navigation
from sonar_debris.frames.scan_conversion import convert_scan


class ArisRecording:
    """A recording of which one frame at a time is mapped into memory; its frames are of one size.

    Args:
        path: the ``.aris`` file.

    Attributes:
        beams: number of beams.
        samples: number of range samples a beam.
        left_over: bytes behind the last whole frame: the recording was cut off if there are any.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is no ARIS recording, or its first frame is damaged or not whole.
    """

    def __init__(self, path: Path):
        size = path.stat().st_size
        if size < 2 * HEADER_BYTES:
            raise ValueError("not an ARIS recording, or cut off before its first frame")
        self._path = path
        if self._map(0, HEADER_BYTES).view(FILE_HEADER)[0]["signature"] != SIGNATURE:
            raise ValueError("not an ARIS recording: its first bytes are not those of one")
        self.beams, self.samples = _check(self._map(HEADER_BYTES, HEADER_BYTES).view(FRAME_HEADER)[0])
        self._stride = HEADER_BYTES + self.beams * self.samples
        # The file header's own count is not to be relied on.
        self._count, self.left_over = divmod(size - HEADER_BYTES, self._stride)
        if not self._count:
            raise ValueError(f"cut off within its first frame of {self.beams} beams × {self.samples} samples")

    def __len__(self) -> int:
        return self._count

    def header(self, index: int) -> np.void:
        """The header of a frame, with the fields of `FRAME_HEADER`.

        Raises:
            ValueError: it is damaged, or of a frame of another size.
        """
        header = self._header(index)
        if _check(header) != (self.beams, self.samples):
            raise ValueError("a frame is of another size than the first")
        return header

    def time(self, index: int) -> float:
        """When a frame was seen, in seconds since the epoch; told by damaged headers too."""
        return int(self._header(index)["frame_time"]) / 1e6

    def echoes(self, index: int) -> np.ndarray:
        """The samples of a frame: ``(samples, beams)`` uint8, nearest range first, leftmost beam first."""
        stored = self._map(2 * HEADER_BYTES + index * self._stride, self.beams * self.samples)
        return stored.reshape(self.samples, self.beams)[:, ::-1]  # beam 0 is the rightmost

    def _header(self, index: int) -> np.void:
        return self._map(HEADER_BYTES + index * self._stride, HEADER_BYTES).view(FRAME_HEADER)[0]

    def _map(self, begin: int, size: int) -> np.ndarray:
        """Map a part of the file. The whole, mapped once, would count as memory in use as far as it was read."""
        return np.memmap(self._path, np.uint8, "r", begin, size)


def ranges(header: np.void) -> tuple[float, float]:
    """Range of the first sample, and from one sample to the next, in metres."""
    half_speed = float(header["sound_speed"]) / 2e6  # sound goes there and back; times are in microseconds
    return half_speed * float(header["sample_start_delay"]), half_speed * float(header["sample_period"])


def _check(header: np.void) -> tuple[int, int]:
    """Beams and samples of a frame whose header makes sense."""
    if header["signature"] != SIGNATURE:
        raise ValueError("a frame header is damaged: it lacks its signature")
    beams, samples = BEAMS.get(int(header["ping_mode"])), int(header["samples_per_beam"])
    if beams is None or int(header["system"]) not in SYSTEMS:
        raise ValueError(f"unknown ping mode {header['ping_mode']} or system {header['system']}")
    if not 0 < samples <= 2**16:
        raise ValueError(f"a frame header is damaged: {samples} samples a beam")
    first, step = ranges(header)
    if not (np.isfinite([first, step]).all() and 300 < header["sound_speed"] < 3000 and step > 0):
        raise ValueError(f"a frame header is damaged: sound speed {header['sound_speed']} m/s, sample step {step} m")
    if not header["reordered"]:
        raise ValueError("its samples are in the order in which they were received; export it anew with ARIScope")
    return beams, samples


def read_aris(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
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
        yield frame_or_damaged(index, partial(aris_frame, recording, index, path, name))
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
