"""Train the single-pass detector on whole frames."""

from pathlib import Path

import keras

from sonar_debris.detectors.single_pass.loss import single_pass_loss
from sonar_debris.detectors.single_pass.network import build_single_pass
from sonar_debris.detectors.single_pass.sampler import FrameSampler
from sonar_debris.training import TrainingConfig, fit


def train_single_pass(
    train: FrameSampler,
    val: FrameSampler | None,
    classes: int,
    schedule: TrainingConfig,
    run: Path,
    init: keras.Model | None = None,
    tensorboard: bool = False,
) -> keras.Model:
    """Train a network of `build_single_pass`.

    Args:
        train: draws the training frames.
        val: draws the validation frames, or None.
        classes: number of classes.
        schedule: how long and how fast.
        run: gets ``detector.keras`` and its log.
        init: a trained network to begin with, of whatever classes.
        tensorboard: log for TensorBoard too.

    Returns:
        The trained network.
    """

    def build() -> keras.Model:
        network = build_single_pass(classes)
        if init:
            copy_weights(init, network)
        return network

    draw = train.detection, val and val.detection
    return fit(build, *draw, single_pass_loss, schedule, run, "detector", tensorboard=tensorboard)


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Give a network the weights of another with the same layers, but for those of another shape: other classes."""
    for old, new in zip(source.layers, target.layers, strict=True):
        if [each.shape for each in old.weights] == [each.shape for each in new.weights]:
            new.set_weights(old.get_weights())
