"""Fuzz the readers with atheris: any file must give frames or a FrameReadError, with little memory.

    pip install atheris
    python tests/fuzz_readers.py aris -max_total_time=600 -rss_limit_mb=1500

The first argument is the suffix of a known format; the others are options of libFuzzer. Seeds are small intact files.
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
    """Read up to ``MAX_FRAMES`` frames of a file with this content."""
    INPUT.write_bytes(data)
    try:
        for number, frame in enumerate(open_frames(INPUT)):
            assert frame.image.dtype == np.float32 and frame.image.ndim == 2 and np.isfinite(frame.image).all()
            if number == MAX_FRAMES:
                break
    except FrameReadError as error:
        assert str(error).startswith(str(INPUT)) and "\n" not in str(error)


def write_seeds() -> Path:
    """Write small intact files and return their folder."""
    folder = FOLDER / "seeds"
    folder.mkdir()
    echoes = np.arange(20 * 48, dtype=np.uint8).reshape(20, 48)
    if SUFFIX == "aris":
        fields = {"sound_speed": 1500, "sample_period": 10, "sample_start_delay": 1000}
        write_aris(folder / "intact.aris", [(echoes, fields)] * 2)
    elif SUFFIX in ("bag", "mcap", "db3", "db3.zstd"):
        write_bags(folder, echoes)
    elif SUFFIX in ("avi", "mkv", "mp4", "mov"):
        codec = "mp4v" if SUFFIX in ("mp4", "mov") else "FFV1" if SUFFIX == "mkv" else "MJPG"
        video = cv2.VideoWriter(str(folder / f"intact.{SUFFIX}"), cv2.VideoWriter.fourcc(*codec), 10, (48, 20))
        for _ in range(3):
            video.write(np.dstack([echoes] * 3))
        video.release()
    elif SUFFIX == "npy":
        np.save(folder / "intact.npy", echoes)
    elif SUFFIX == "npz":
        np.savez(folder / "intact.npz", echoes, echoes)
    else:
        cv2.imwrite(str(folder / f"intact.{SUFFIX}"), echoes)
        cv2.imwrite(str(folder / f"colour.{SUFFIX}"), np.dstack([echoes] * 3))
    return folder


def write_bags(folder: Path, echoes: np.ndarray) -> None:
    """Write a bag with a scan, and one with an image; needs the extra ``ros``."""
    from ros_bags import image, projected, typestore, write_bag

    ros = 1 if SUFFIX == "bag" else 2
    store = typestore(ros)
    scan = projected(store, echoes, np.linspace(-30, 30, 48), np.arange(1, 21), 5.0, ros)
    storage, compression = ("mcap" if SUFFIX == "mcap" else "sqlite3"), ("FILE" if SUFFIX.endswith("zstd") else None)
    for name, message in (("scan", scan), ("image", image(store, echoes, 5.0, ros=ros))):
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary, "dive.bag" if ros == 1 else "dive")
            path = write_bag(target, {"/sonar": [message] * 2}, ros, storage, compression)
            (folder / f"{name}.{SUFFIX}").write_bytes(path.read_bytes())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    atheris.Setup([*sys.argv, str(write_seeds())], read)
    atheris.Fuzz()
