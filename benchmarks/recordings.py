"""Measure how fast a long recording opens, the memory of its frames, and scan conversion compared with scikit-image.

    python benchmarks/recordings.py

writes a sparse ARIS recording of 3 GB to a temporary folder, opens it, and reads all of its frames. Then it converts
the same frames with sonar_debris and with ``skimage.transform.warp``, both with the same maps. Needs
``pip install scikit-image``.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.transform import warp
from timing import time_alternating

from sonar_debris.frames import open_frames
from sonar_debris.frames.aris import ArisRecording, ranges
from sonar_debris.frames.aris_format import (
    FILE_HEADER,
    FRAME_HEADER,
    HEADER_BYTES,
    SIGNATURE,
    beam_bearings,
    write_aris,
)
from sonar_debris.frames.scan_conversion import enclosing_fan, to_fan

GIGABYTES, BEAMS, SAMPLES, CONVERTED_FRAMES = 3, 128, 2000, 40


def main() -> None:
    """Print the three measurements."""
    with tempfile.TemporaryDirectory() as folder:
        measure_reading(Path(folder) / "long.aris")
        compare_scan_conversion(Path(folder) / "short.aris")


def measure_reading(path: Path) -> None:
    """Write a long recording, read it, and print time and memory."""
    count = write_sparse(path)
    next(open_frames(path))  # imports and caches of the first use do not belong to the time of opening
    memory = peak_memory()
    start = time.perf_counter()
    frames = open_frames(path)
    next(frames)
    seconds = time.perf_counter() - start
    print(f"{path.stat().st_size / 1e9:.1f} GB, {count} frames: first frame after {seconds:.3f} s")
    start = time.perf_counter()
    read = sum(1 for _ in frames)
    rate = read / (time.perf_counter() - start)
    print(f"read {rate:.0f} frames per second; peak memory {peak_memory() - memory:.0f} MB above that of one frame")


def write_sparse(path: Path) -> int:
    """Write a recording whose headers alone take space on the disk; return its number of frames."""
    stride = HEADER_BYTES + BEAMS * SAMPLES
    count = int(GIGABYTES * 1e9) // stride
    file_header, header = np.zeros(1, FILE_HEADER), np.zeros(1, FRAME_HEADER)
    file_header["signature"] = header["signature"] = SIGNATURE
    fields = {"ping_mode": 9, "samples_per_beam": SAMPLES, "reordered": 1} | sonar_fields()
    for name, value in fields.items():
        header[name] = value
    with path.open("wb") as file:
        file.write(file_header.tobytes())
        for index in range(count):
            file.seek(HEADER_BYTES + index * stride)
            file.write(header.tobytes())
        file.truncate(HEADER_BYTES + count * stride)
    return count


def sonar_fields() -> dict[str, int]:
    """Return the header fields of the sonar's settings."""
    return {"sound_speed": 1500, "sample_period": 8, "sample_start_delay": 1000, "system": 1}


def peak_memory() -> float:
    """Return the peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def compare_scan_conversion(path: Path) -> None:
    """Read and convert the same frames with sonar_debris and scikit-image alternately, and print the medians."""
    rng = np.random.default_rng(0)
    echoes = (rng.integers(0, 255, (SAMPLES, BEAMS), np.uint8) for _ in range(CONVERTED_FRAMES))
    write_aris(path, ((frame, sonar_fields()) for frame in echoes))
    recording = ArisRecording(path)
    bearings = beam_bearings(BEAMS, large_lens=False)
    first_range, range_step = ranges(recording.header(0))
    fan = enclosing_fan(bearings, first_range, range_step, SAMPLES)
    # Both compute their maps beforehand: to_fan caches them in its first call.
    y, x = np.mgrid[: fan.shape[0], : fan.shape[1]] + 0.5
    points = np.stack([x, y], axis=-1)
    distance, bearing = np.moveaxis(fan.to_polar(points), -1, 0)
    maps = np.stack([(distance - first_range) / range_step, np.interp(bearing, bearings, np.arange(BEAMS))])
    inside = fan.contains(points)

    def convert_with_skimage(index: int) -> np.ndarray:
        warped = warp(recording.echoes(index), maps, order=1, mode="edge", preserve_range=True)
        return np.where(inside, np.rint(warped), 0).astype(np.uint8)

    def convert(index: int) -> np.ndarray:
        return to_fan(recording.echoes(index), fan, bearings, first_range, range_step)

    seconds = time_alternating(
        {"sonar_debris": next_frame(convert), "skimage": next_frame(convert_with_skimage)}, CONVERTED_FRAMES - 1
    )
    difference = np.abs(convert(0).astype(int) - convert_with_skimage(0)).max()
    rows, cols = fan.shape
    own, skimage = seconds["sonar_debris"] * 1e3, seconds["skimage"] * 1e3
    print(f"reading and scan-converting {CONVERTED_FRAMES} frames of {BEAMS} × {SAMPLES} to {rows} × {cols}:")
    print(f"sonar_debris {own:.1f} ms per frame, skimage.transform.warp {skimage:.1f} ms:", end=" ")
    print(f"{skimage / own:.1f} times faster; grey levels differ by {difference} at most")


def next_frame(convert: Callable[[int], np.ndarray]) -> Callable[[], np.ndarray]:
    """Return a function that converts another frame with each call."""
    indices = iter(range(CONVERTED_FRAMES))
    return lambda: convert(next(indices))


if __name__ == "__main__":
    main()
