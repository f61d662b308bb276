"""How much faster is the dense objectness map than scoring its windows one by one? Prints both, and their ratio.

Run: python benchmarks/dense_objectness.py
"""

import numpy as np
from in_turn import medians_in_turn

from sonar_debris.backend import quiet_backend

with quiet_backend():
    from sonar_debris.detectors.sliding_window.networks import STRIDE, WINDOW, build_objectness, make_dense

ROWS, COLS = 480, 320


def main() -> None:
    """Time one frame of 480×320 pixels both ways, three times in turn after a warm-up, and print the medians."""
    frame = np.random.default_rng(0).standard_normal((ROWS, COLS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(frame, (WINDOW, WINDOW))[::STRIDE, ::STRIDE]
    windows = windows.reshape(-1, WINDOW, WINDOW, 1)
    network = build_objectness()
    dense = make_dense(network)
    ways = {
        "windows": lambda: network.predict(windows, batch_size=64, verbose=0),
        "dense": lambda: dense.predict_on_batch(frame[None, ..., None]),
    }
    one_by_one, at_once = medians_in_turn(ways, turns=3).values()
    print(f"{len(windows)} windows of a {ROWS}×{COLS} frame, one network, medians of 3 runs in turn")
    print(f"one by one {one_by_one:.2f} s, dense {at_once:.2f} s: {one_by_one / at_once:.0f} times faster")


if __name__ == "__main__":
    main()
