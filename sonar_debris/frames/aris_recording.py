"""An ARIS recording on disk, any frame of it at hand without reading the others."""

from pathlib import Path

import numpy as np

from sonar_debris.frames.aris_format import BEAMS, FILE_HEADER, FRAME_HEADER, HEADER_BYTES, SIGNATURE, SYSTEMS


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
