"""How much faster is a training step with fused batch-norm? Prints both ways and their ratio, for the default detector.

Run: python benchmarks/training_step.py
"""

import time

import numpy as np

from sonar_debris.quiet import quiet_backend

with quiet_backend():
    import keras

    from sonar_debris.networks.single_pass import build_single_pass
    from sonar_debris.training.fused_batch_norm import with_fused_batch_norm
    from sonar_debris.training.single_pass_loss import single_pass_loss

BATCH, ROWS, COLS, CLASSES = 8, 480, 320, 11
TURNS, STEPS = 6, 3


def main() -> None:
    """Time batches of 8 frames of 480×320 pixels both ways, in turn after a warm-up, and print the medians."""
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((BATCH, ROWS, COLS, 1), np.float32)
    corner = rng.uniform(5, 20, (BATCH, 3, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(3, 12, corner.shape), np.ones((BATCH, 3, 1))], axis=-1)
    network = build_single_pass(CLASSES)
    ways = {"Keras": network, "fused": with_fused_batch_norm(network)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for each in ways.values():
        each.compile(keras.optimizers.AdamW(1e-5), single_pass_loss, jit_compile=False)
    for turn in range(1 + TURNS):
        for name, each in ways.items():
            begin = time.perf_counter()
            for _ in range(STEPS):
                each.train_on_batch(frames, boxes)
            if turn:
                seconds[name].append((time.perf_counter() - begin) / STEPS)
    plain, fused = (1000 * float(np.median(seconds[name])) for name in ways)
    print(f"a step of {BATCH} frames of {ROWS}×{COLS}, medians of {TURNS} turns: Keras's batch-norm {plain:.0f} ms,")
    print(f"fused {fused:.0f} ms: {fused / plain:.2f} of the time")


if __name__ == "__main__":
    main()
