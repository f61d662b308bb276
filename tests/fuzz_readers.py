"""Fuzz the readers with atheris: whatever a file holds, they give frames or a FrameReadError, and stay small.

    pip install atheris
    python tests/fuzz_readers.py aris -max_total_time=600 -rss_limit_mb=1500

The first word is a suffix of `open_frames`; what follows is for libFuzzer. It starts from small good files.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import atheris
import cv2
import numpy as np

with atheris.instrument_imports(include=["sonar_debris.frames"]):
    from sonar_debris.frames import FrameReadError, open_frames
    from sonar_debris.frames.aris_format import write_aris

SUFFIX = sys.argv.pop(1)
MAX_FRAMES = 50
FOLDER = Path(tempfile.mkdtemp())
INPUT = FOLDER / f"fuzzed.{SUFFIX}"


def read(data: bytes) -> None:
    """Read what a file of these bytes gives, some frames of it at most."""
    INPUT.write_bytes(data)
    try:
        for number, frame in enumerate(open_frames(INPUT)):
            assert frame.image.dtype == np.float32 and frame.image.ndim == 2 and np.isfinite(frame.image).all()
            if number == MAX_FRAMES:
                break
    except FrameReadError as error:
        assert str(error).startswith(str(INPUT)) and "\n" not in str(error)


def seeds() -> Path:
    """A folder of small good files."""
    folder = FOLDER / "seeds"
    folder.mkdir()
    echoes = np.arange(20 * 48, dtype=np.uint8).reshape(20, 48)
    if SUFFIX == "aris":
        fields = {"sound_speed": 1500, "sample_period": 10, "sample_start_delay": 1000}
        write_aris(folder / "good.aris", [(echoes, fields)] * 2)
    elif SUFFIX == "npy":
        np.save(folder / "good.npy", echoes)
    elif SUFFIX == "npz":
        np.savez(folder / "good.npz", echoes, echoes)
    else:
        cv2.imwrite(str(folder / f"good.{SUFFIX}"), echoes)
        cv2.imwrite(str(folder / f"colour.{SUFFIX}"), np.dstack([echoes] * 3))
    return folder


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    atheris.Setup([*sys.argv, str(seeds())], read)
    atheris.Fuzz()
