"""How fast a long recording opens, what memory its frames take, and scan conversion beside scikit-image's.

    python benchmarks/recordings.py

makes a sparse ARIS recording of 3 GB in a temporary folder, opens it, streams all of its frames, and scan-converts the
same frames with ``skimage.transform.warp`` through the same maps, in the same run. Needs ``pip install scikit-image``.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from skimage.transform import warp

from sonar_debris.frames import open_frames
from sonar_debris.frames.aris import ArisRecording, ranges
from sonar_debris.frames.aris_format import FILE_HEADER, FRAME_HEADER, HEADER_BYTES, SIGNATURE, beam_bearings
from sonar_debris.frames.scan_conversion import enclosing_fan, to_fan

GIGABYTES, BEAMS, SAMPLES, COMPARED = 3, 128, 2000, 40


def main() -> None:
    """Print the three measurements."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.aris"
        count = write_sparse(path)
        next(open_frames(path))  # what is imported and cached on the first use is no part of opening
        before = peak()
        begin = time.perf_counter()
        frames = open_frames(path)
        next(frames)
        print(
            f"{path.stat().st_size / 1e9:.1f} GB, {count} frames: first frame after {time.perf_counter() - begin:.3f} s"
        )
        begin = time.perf_counter()
        read = sum(1 for _ in frames)
        rate = read / (time.perf_counter() - begin)
        print(f"streamed at {rate:.0f} frames a second; peak memory {peak() - before:.0f} MB above that of one frame")
    compare()


def write_sparse(path: Path) -> int:
    """A recording of which only the headers take room on disk."""
    stride = HEADER_BYTES + BEAMS * SAMPLES
    count = int(GIGABYTES * 1e9) // stride
    file_header, header = np.zeros(1, FILE_HEADER), np.zeros(1, FRAME_HEADER)
    file_header["signature"] = header["signature"] = SIGNATURE
    settings = {"ping_mode": 9, "samples_per_beam": SAMPLES, "sound_speed": 1500, "sample_period": 8, "reordered": 1}
    for name, value in (settings | {"sample_start_delay": 1000, "system": 1}).items():
        header[name] = value
    with path.open("wb") as file:
        file.write(file_header.tobytes())
        for index in range(count):
            file.seek(HEADER_BYTES + index * stride)
            file.write(header.tobytes())
        file.truncate(HEADER_BYTES + count * stride)
    return count


def peak() -> float:
    """Highest memory that this process has taken, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def compare() -> None:
    """Read and scan-convert the same frames with both, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "short.aris"
        write_short(path)
        recording = ArisRecording(path)
        bearings = beam_bearings(BEAMS, large_lens=False)
        fan = enclosing_fan(bearings, *ranges(recording.header(0)), SAMPLES)
        y, x = np.mgrid[: fan.shape[0], : fan.shape[1]] + 0.5
        distance, bearing = np.moveaxis(fan.to_polar(np.stack([x, y], axis=-1)), -1, 0)
        first, step = ranges(recording.header(0))
        maps = np.stack([(distance - first) / step, np.interp(bearing, bearings, np.arange(BEAMS))])
        inside = fan.contains(np.stack([x, y], axis=-1))
        to_fan(recording.echoes(0), fan, bearings, first, step)  # both get their maps beforehand
        seconds, images = {"ours": [], "skimage": []}, {}
        for index in range(COMPARED):
            begin = time.perf_counter()
            images["ours"] = to_fan(recording.echoes(index), fan, bearings, first, step)
            seconds["ours"].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            warped = warp(recording.echoes(index), maps, order=1, mode="edge", preserve_range=True)
            images["skimage"] = np.where(inside, np.rint(warped), 0).astype(np.uint8)
            seconds["skimage"].append(time.perf_counter() - begin)
        apart = np.abs(images["ours"].astype(int) - images["skimage"]).max()
    ours, theirs = (float(np.median(seconds[name])) for name in ("ours", "skimage"))
    print(
        f"reading and scan-converting of {COMPARED} frames of {BEAMS} × {SAMPLES} to {fan.shape[0]} × {fan.shape[1]}: "
        f"{ours * 1e3:.1f} ms a frame, skimage.transform.warp "
        f"{theirs * 1e3:.1f} ms: {theirs / ours:.1f} times faster; "
        f"grey levels differ by {apart} at most"
    )


def write_short(path: Path) -> None:
    """A recording with echoes in it."""
    from sonar_debris.frames.aris_format import write_aris

    rng = np.random.default_rng(0)
    fields = {"sound_speed": 1500, "sample_period": 8, "sample_start_delay": 1000, "system": 1}
    write_aris(path, ((rng.integers(0, 255, (SAMPLES, BEAMS), np.uint8), fields) for _ in range(COMPARED)))


if __name__ == "__main__":
    main()
