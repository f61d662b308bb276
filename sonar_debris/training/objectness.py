"""Train the objectness network on the IoU of windows with labelled boxes, whatever their class."""

from pathlib import Path

import keras

from sonar_debris.datasets.windows import WindowSampler
from sonar_debris.networks.objectness import build_objectness
from sonar_debris.training.fit import Schedule, fit


def train_objectness(train: WindowSampler, val: WindowSampler | None, schedule: Schedule, run: Path) -> keras.Model:
    """Train a network of `build_objectness`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        schedule: how long and how fast.
        run: gets ``objectness.keras`` and its log.

    Returns:
        The trained network.
    """
    # Cross-entropy with the IoU ramp as a soft target: its minimum is the expected ramp value.
    return fit(
        build_objectness,
        train.objectness,
        val and val.objectness,
        keras.losses.BinaryCrossentropy(),
        schedule,
        run,
        "objectness",
        metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
    )
