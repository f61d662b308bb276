"""Measure how much faster the dense objectness map is than scoring its windows one by one.

Run: python benchmarks/dense_objectness.py
"""

import numpy as np
from timing import time_alternating

from sonar_debris.backend import quiet_backend

with quiet_backend():
    from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, STRIDE, build_objectness, make_dense

ROWS, COLS = 480, 320
ROUNDS = 3


def main() -> None:
    """Time one frame of 480×320 pixels with both, alternately after a warm-up, and print the medians."""
    frame = np.random.default_rng(0).standard_normal((ROWS, COLS), np.float32)
    shape = (OBJECTNESS_WINDOW, OBJECTNESS_WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(frame, shape)[::STRIDE, ::STRIDE].reshape(-1, *shape, 1)
    network = build_objectness()
    dense = make_dense(network)
    seconds = time_alternating(
        {
            "windows": lambda: network.predict(windows, batch_size=64, verbose=0),
            "dense": lambda: dense.predict_on_batch(frame[None, ..., None]),
        },
        ROUNDS,
    )
    ratio = seconds["windows"] / seconds["dense"]
    print(f"{len(windows)} windows of a {ROWS}×{COLS} frame, one network, medians of {ROUNDS} rounds")
    print(f"one by one {seconds['windows']:.2f} s, dense {seconds['dense']:.2f} s: {ratio:.0f} times faster")


if __name__ == "__main__":
    main()
