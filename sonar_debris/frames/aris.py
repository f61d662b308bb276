"""Reader of ARIS recordings: raw beams in, fan-shaped frames out."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sonar_debris.frames.aris_format import (
    BEAMS,
    FILE_HEADER,
    FRAME_HEADER,
    FREQUENCIES,
    HEADER_BYTES,
    SIGNATURE,
    SYSTEMS,
    beam_bearings,
)
from sonar_debris.frames.frame import (
    ALL_FRAMES,
    FrameSelection,
    RawFrame,
    ReaderItem,
    TruncatedFile,
    frame_or_damaged,
    iso_time,
)
from sonar_debris.frames.geometry import Navigation, is_position
from sonar_debris.frames.scan_conversion import convert_scan


class ArisRecording:
    """Random access to the frames of an ARIS recording; one frame at a time is in memory.

    All frames of a recording have the same number of beams and samples.

    Args:
        path: the ``.aris`` file.

    Attributes:
        beams: number of beams.
        samples: number of range samples per beam.
        trailing_bytes: bytes after the last complete frame; not 0 if the recording is truncated.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is not an ARIS recording, or its first frame is damaged or incomplete.
    """

    def __init__(self, path: Path):
        size = path.stat().st_size
        if size < 2 * HEADER_BYTES:
            raise ValueError("not an ARIS recording, or truncated before its first frame")
        self._path = path
        if self._read(0, HEADER_BYTES).view(FILE_HEADER)[0]["signature"] != SIGNATURE:
            raise ValueError("not an ARIS recording: it lacks the signature of one")
        self.beams, self.samples = _check_header(self._read(HEADER_BYTES, HEADER_BYTES).view(FRAME_HEADER)[0])
        self._stride = HEADER_BYTES + self.beams * self.samples
        # The number of frames in the file header is not reliable.
        self._count, self.trailing_bytes = divmod(size - HEADER_BYTES, self._stride)
        if not self._count:
            raise ValueError(f"truncated within its first frame of {self.beams} beams × {self.samples} samples")

    def __len__(self) -> int:
        return self._count

    def header(self, index: int) -> np.void:
        """Return the header of a frame, with the fields of `FRAME_HEADER`.

        Raises:
            ValueError: it is damaged, or gives the frame another size.
        """
        header = self._header(index)
        if _check_header(header) != (self.beams, self.samples):
            raise ValueError("the frame has another size than the first frame")
        return header

    def time(self, index: int) -> float:
        """Return the time of a frame in seconds since the epoch; the header is not checked for damage."""
        return int(self._header(index)["frame_time"]) / 1e6

    def echoes(self, index: int) -> np.ndarray:
        """Return the samples of a frame: ``(samples, beams)`` uint8, nearest range and leftmost beam first."""
        stored = self._read(2 * HEADER_BYTES + index * self._stride, self.beams * self.samples)
        return stored.reshape(self.samples, self.beams)[:, ::-1]  # the file has the rightmost beam first

    def _header(self, index: int) -> np.void:
        header: np.void = self._read(HEADER_BYTES + index * self._stride, HEADER_BYTES).view(FRAME_HEADER)[0]
        return header

    def _read(self, begin: int, size: int) -> np.ndarray:
        """Read a part of the file. It is not mapped: a mapped file that shrinks would end the process."""
        data = np.fromfile(self._path, np.uint8, size, offset=begin)
        if len(data) < size:
            raise ValueError("the recording became shorter while it was read")
        return data


def ranges(header: np.void) -> tuple[float, float]:
    """Return the range of the first sample, and the distance from sample to sample, in metres."""
    half_speed = float(header["sound_speed"]) / 2e6  # sound travels there and back; times are in microseconds
    return half_speed * float(header["sample_start_delay"]), half_speed * float(header["sample_period"])


def read_aris(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of a recording one by one; memory does not grow with its size.

    Args:
        path: the ``.aris`` file.
        selection: the frames to read.

    Yields:
        The frames, a `DamagedFrame` for each one whose header is damaged, and a `TruncatedFile` if the recording ends
        within a frame.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is not an ARIS recording.
    """
    recording = ArisRecording(path)
    count = len(recording)
    for index in selection.indices(count):
        yield frame_or_damaged(index, partial(_read_frame, recording, index))
    if recording.trailing_bytes:
        yield TruncatedFile(f"truncated within frame {count}; the frames before it are complete")


def count_aris(path: Path) -> int:
    """Return the number of complete frames of a recording."""
    return len(ArisRecording(path))


def describe_aris(path: Path) -> dict[str, Any]:
    """Return what ``info`` prints of a recording: sonar, settings and time span; the names carry the units."""
    recording = ArisRecording(path)
    header = recording.header(0)
    first_range, range_step = ranges(header)
    last_range = first_range + recording.samples * range_step
    frame_rate = float(header["frame_rate"])
    return {
        "sonar": SYSTEMS[int(header["system"])],
        "frequency_mhz": _read_frequency(header),
        "beams": recording.beams,
        "samples_per_beam": recording.samples,
        "large_lens": bool(header["large_lens"]),
        "sound_speed_m_s": round(float(header["sound_speed"]), 2),
        "range_m": [round(first_range, 3), round(last_range, 3)],
        "frame_rate_hz": round(frame_rate, 3) if 0 < frame_rate < np.inf else None,
        "time": [iso_time(recording.time(index)) for index in (0, len(recording) - 1)],
        "bytes_left_over": recording.trailing_bytes,
    }


def _check_header(header: np.void) -> tuple[int, int]:
    """Return the number of beams and of samples that a frame's header gives; raise a ValueError if it is damaged."""
    if header["signature"] != SIGNATURE:
        raise ValueError("a frame header is damaged: it lacks its signature")
    beams, samples = BEAMS.get(int(header["ping_mode"])), int(header["samples_per_beam"])
    if beams is None or int(header["system"]) not in SYSTEMS:
        raise ValueError(f"unknown ping mode {header['ping_mode']} or system {header['system']}")
    if not 0 < samples <= 2**16:
        raise ValueError(f"a frame header is damaged: {samples} samples per beam")
    first_range, range_step = ranges(header)
    plausible = 300 < header["sound_speed"] < 3000 and range_step > 0
    if not (np.isfinite([first_range, range_step]).all() and plausible):
        raise ValueError(
            f"a frame header is damaged: sound speed {header['sound_speed']} m/s, sample step {range_step} m"
        )
    if not header["reordered"]:
        raise ValueError("its samples are in the order of reception, not of beams; export it again with ARIScope")
    return beams, samples


def _read_frame(recording: ArisRecording, index: int) -> RawFrame:
    """Scan-convert one frame; raise a ValueError if its header is damaged."""
    header = recording.header(index)
    first_range, range_step = ranges(header)
    bearings = beam_bearings(recording.beams, bool(header["large_lens"]))
    image, fan = convert_scan(recording.echoes(index), bearings, first_range, range_step)
    return RawFrame(
        image / np.float32(255),
        index,
        time=recording.time(index),
        geometry=fan,
        navigation=_read_navigation(header),
        sonar=SYSTEMS[int(header["system"])],
        frequency=_read_frequency(header),
    )


def _read_frequency(header: np.void) -> float:
    """Return the frequency in MHz."""
    low, high = FREQUENCIES[int(header["system"])]
    return high if header["high_frequency"] else low


def _read_navigation(header: np.void) -> Navigation:
    """Return position, heading and depth, as far as the header gives values that make sense.

    The heading is that of the sonar's compass. A sonar without a position sensor writes zeros.
    """
    heading, depth = (float(header[key]) if np.isfinite(header[key]) else None for key in ("heading", "depth"))
    latitude, longitude = float(header["latitude"]), float(header["longitude"])
    if (latitude, longitude) != (0, 0) and is_position(latitude, longitude):
        return Navigation(heading, latitude, longitude, depth)
    return Navigation(heading, depth=depth)
