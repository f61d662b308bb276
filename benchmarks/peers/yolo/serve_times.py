"""Time YOLO11n on frames of 480×320 pixels: for each input line, print the milliseconds of its network and in total.

`benchmarks/detector_speed.py` starts this program with the Python of the peer's environment.
"""

import contextlib
import sys
import time
from typing import TextIO

import numpy as np
import torch
import torchvision_for_cpu  # noqa: F401
from ultralytics import YOLO

torch.set_num_threads(2)


def main() -> None:
    """Print only the times on stdout."""
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # the library may print messages
        serve(answers)


def serve(answers: TextIO) -> None:
    """Answer each input line until the input ends."""
    frame = np.random.default_rng(0).integers(0, 80, (480, 320, 3), np.uint8)
    model = YOLO("yolo11n.yaml")
    for _ in sys.stdin:
        start = time.perf_counter()
        (result,) = model.predict(frame, imgsz=480, rect=True, conf=0.25, verbose=False)
        total = 1000 * (time.perf_counter() - start)
        print(result.speed["inference"], total, file=answers, flush=True)


if __name__ == "__main__":
    main()
