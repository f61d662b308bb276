"""Measure how much faster a training step of the default detector is with fused batch-norm.

Run: python benchmarks/training_step.py
"""

import argparse
from functools import partial

import numpy as np
from timing import time_alternating

from sonar_debris.backend import quiet_backend

with quiet_backend():
    import keras

    from sonar_debris.detectors.single_pass.loss import single_pass_loss
    from sonar_debris.detectors.single_pass.network import build_single_pass
    from sonar_debris.networks import with_fused_batch_norm

ROWS, COLS, CLASSES = 480, 320, 11


def main() -> None:
    """Time batches of frames of 480×320 pixels with both, alternately after a warm-up, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    batch_size, rounds = arguments.batch_size, arguments.rounds
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((batch_size, ROWS, COLS, 1), np.float32)
    corner = rng.uniform(5, 20, (batch_size, 3, 2))
    extent = rng.uniform(3, 12, corner.shape)
    boxes = np.concatenate([corner, corner + extent, np.ones((batch_size, 3, 1))], axis=-1)
    network = build_single_pass(CLASSES)
    steps = {}
    for name, variant in (("Keras", network), ("fused", with_fused_batch_norm(network))):
        variant.compile(keras.optimizers.AdamW(1e-5), single_pass_loss, jit_compile=False)
        steps[name] = partial(variant.train_on_batch, frames, boxes)
    seconds = time_alternating(steps, rounds)
    plain, fused = seconds["Keras"], seconds["fused"]
    print(f"a step of {batch_size} frames of {ROWS}×{COLS}, medians of {rounds} rounds")
    print(f"Keras's batch-norm {1000 * plain:.0f} ms, fused {1000 * fused:.0f} ms: {fused / plain:.2f} of the time")


if __name__ == "__main__":
    main()
