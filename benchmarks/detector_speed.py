"""How long does the single-pass detector take for a frame, and how long YOLO11n? Prints both, and their ratio.

Run: python benchmarks/detector_speed.py [PYTHON]
PYTHON is that of the environment which `benchmarks/peers/yolo/README.md` makes; without it, no peer is timed.
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

# Frames of a turn; of each turn the first ones, while the other's threads still spin down, do not count.
TURNS, FRAMES, WARM_UP = 10, 12, 4
PEER = Path(__file__).parent / "peers" / "yolo" / "serve_times.py"


def main() -> None:
    """Time a few frames, in turn with the peer, and print the medians."""
    image = np.random.default_rng(0).uniform(0.02, 0.3, (480, 320)).astype(np.float32)
    frame, detector = Frame(image, Path("frame.png"), "frame.png"), DebrisDetector.from_pretrained("single-pass")
    ways = {"single-pass, whole": lambda: measure(lambda: detector.detect(frame))}
    if len(sys.argv) > 1:
        ways["YOLO11n"] = start_peer(sys.argv[1])
    times: dict[str, list] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            times[name] += [way() for _ in range(FRAMES)][WARM_UP:]
    medians = {name: np.median(each, axis=0) for name, each in times.items()}
    print(f"one 480×320 frame on two cores, medians of {TURNS} turns of {FRAMES - WARM_UP} frames")
    print(f"single-pass through Keras: {medians['single-pass, whole'][0]:.1f} ms, boxes and suppression included")
    if "YOLO11n" in medians:
        network, whole = medians["YOLO11n"]
        ratio = medians["single-pass, whole"][0] / network
        print(f"YOLO11n in PyTorch: network {network:.1f} ms, with letterbox and suppression {whole:.1f} ms")
        print(f"single-pass, whole, takes {ratio:.2f} of the time of YOLO11n's network alone")


def measure(call: Callable) -> tuple[float]:
    """Milliseconds that a call takes."""
    begin = time.perf_counter()
    call()
    return (1000 * (time.perf_counter() - begin),)


def start_peer(python: str) -> Callable[[], tuple[float, float]]:
    """A function that lets the peer time one frame."""
    peer = subprocess.Popen(
        [python, str(PEER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"YOLO_OFFLINE": "1"},
    )

    def ask() -> tuple[float, float]:
        peer.stdin.write("\n")
        peer.stdin.flush()
        network, whole = peer.stdout.readline().split()
        return float(network), float(whole)

    return ask


if __name__ == "__main__":
    main()
