"""Train the network of shared features on windows, their IoU with boxes, and the classes of those boxes."""

from functools import partial
from pathlib import Path

import keras
from keras import ops

from sonar_debris.datasets.windows import WindowSampler
from sonar_debris.networks.shared_detector import build_shared_detector
from sonar_debris.training.fit import Schedule, fit


def train_shared_detector(
    train: WindowSampler, val: WindowSampler | None, classes: int, schedule: Schedule, run: Path
) -> keras.Model:
    """Train a network of `build_shared_detector`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        classes: number of classes.
        schedule: how long and how fast.
        run: gets ``shared.keras`` and its log.

    Returns:
        The trained network.
    """
    build = partial(build_shared_detector, classes)
    return fit(build, train.recognition, val and val.recognition, shared_loss, schedule, run, "shared")


def shared_loss(target, predicted):
    """Cross-entropy of objectness with the IoU ramp, and of the class where the window shows an object.

    Args:
        target: ``(batch, 2)``: the ramp in [0, 1], and the class, or -1 for background.
        predicted: ``(batch, 1 + classes)``.

    Returns:
        ``(batch,)`` losses.
    """
    ramp, class_id = target[:, :1], ops.cast(target[:, 1], "int32")
    shown = ops.cast(class_id >= 0, predicted.dtype)
    naming = keras.losses.sparse_categorical_crossentropy(ops.maximum(class_id, 0), predicted[:, 1:])
    return keras.losses.binary_crossentropy(ramp, predicted[:, :1]) + shown * naming
