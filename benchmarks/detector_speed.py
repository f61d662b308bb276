"""Measure the time per frame of the single-pass detector, and of YOLO11n in the same run.

Run: python benchmarks/detector_speed.py [PYTHON]
PYTHON is the interpreter of the environment that `benchmarks/peers/yolo/README.md` creates. Without it YOLO11n is not
timed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")

from sonar_debris.backend import quiet_backend

with quiet_backend():
    from sonar_debris import DebrisDetector, Frame

# Frames per round. The first ones do not count: the threads of the other detector are still spinning down.
ROUNDS, FRAMES, WARM_UP = 10, 12, 4
PEER = Path(__file__).parent / "peers" / "yolo" / "serve_times.py"
# Returns times of one frame, in milliseconds.
Measure = Callable[[], tuple[float, ...]]


def main() -> None:
    """Time frames of 480×320 pixels with both detectors alternately, and print the medians."""
    image = np.random.default_rng(0).uniform(0.02, 0.3, (480, 320)).astype(np.float32)
    frame, detector = Frame(image, Path("frame.png"), "frame.png"), DebrisDetector.from_pretrained("single-pass")
    measures: dict[str, Measure] = {"single-pass": lambda: (measure_milliseconds(lambda: detector.detect(frame)),)}
    if len(sys.argv) > 1:
        measures["YOLO11n"] = start_peer(sys.argv[1])
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            times[name] += [measure() for _ in range(FRAMES)][WARM_UP:]
    medians = {name: np.median(values, axis=0) for name, values in times.items()}
    (single_pass,) = medians["single-pass"]
    print(f"one 480×320 frame on two cores, medians of {ROUNDS} rounds of {FRAMES - WARM_UP} frames")
    print(f"single-pass with Keras: {single_pass:.1f} ms, including boxes and suppression")
    if "YOLO11n" in medians:
        network, total = medians["YOLO11n"]
        print(f"YOLO11n with PyTorch: network {network:.1f} ms, with letterbox and suppression {total:.1f} ms")
        print(f"all of single-pass takes {single_pass / network:.2f} of the time of YOLO11n's network alone")


def measure_milliseconds(function: Callable[[], object]) -> float:
    """Return the time of a call in milliseconds."""
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start)


def start_peer(python: str) -> Measure:
    """Start ``serve_times.py``; return a function that lets it time one frame."""
    peer = subprocess.Popen(
        [python, str(PEER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"YOLO_OFFLINE": "1"},
    )
    requests, answers = peer.stdin, peer.stdout
    assert requests and answers  # both are pipes

    def measure() -> tuple[float, float]:
        requests.write("\n")
        requests.flush()
        network, total = answers.readline().split()
        return float(network), float(total)

    return measure


if __name__ == "__main__":
    main()
