"""How much faster is a training step with fused batch-norm? Prints both ways and their ratio, for the default detector.

Run: python benchmarks/training_step.py
"""

from functools import partial

import numpy as np
from in_turn import medians_in_turn

from sonar_debris.backend import quiet_backend

with quiet_backend():
    import keras

    from sonar_debris.detectors.single_pass.loss import single_pass_loss
    from sonar_debris.detectors.single_pass.network import build_single_pass
    from sonar_debris.networks import with_fused_batch_norm

BATCH, ROWS, COLS, CLASSES = 8, 480, 320, 11
TURNS = 10


def main() -> None:
    """Time batches of 8 frames of 480×320 pixels both ways, in turn after a warm-up, and print the medians."""
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((BATCH, ROWS, COLS, 1), np.float32)
    corner = rng.uniform(5, 20, (BATCH, 3, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(3, 12, corner.shape), np.ones((BATCH, 3, 1))], axis=-1)
    network = build_single_pass(CLASSES)
    networks = {"Keras": network, "fused": with_fused_batch_norm(network)}
    for each in networks.values():
        each.compile(keras.optimizers.AdamW(1e-5), single_pass_loss, jit_compile=False)
    ways = {name: partial(each.train_on_batch, frames, boxes) for name, each in networks.items()}
    plain, fused = medians_in_turn(ways, TURNS).values()
    print(f"a step of {BATCH} frames of {ROWS}×{COLS}, medians of {TURNS} turns")
    print(f"Keras's batch-norm {1000 * plain:.0f} ms, fused {1000 * fused:.0f} ms: {fused / plain:.2f} of the time")


if __name__ == "__main__":
    main()
