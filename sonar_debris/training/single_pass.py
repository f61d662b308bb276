"""Train the single-pass detector on whole frames."""

from functools import partial
from pathlib import Path

import keras

from sonar_debris.datasets.frame_sampler import FrameSampler
from sonar_debris.networks.single_pass import build_single_pass
from sonar_debris.training.fit import Schedule, fit
from sonar_debris.training.single_pass_loss import single_pass_loss


def train_single_pass(
    train: FrameSampler, val: FrameSampler | None, classes: int, schedule: Schedule, run: Path
) -> keras.Model:
    """Train a network of `build_single_pass`.

    Args:
        train: draws the training frames.
        val: draws the validation frames, or None.
        classes: number of classes.
        schedule: how long and how fast.
        run: gets ``detector.keras`` and its log.

    Returns:
        The trained network.
    """
    held = val and val.detection
    return fit(partial(build_single_pass, classes), train.detection, held, single_pass_loss, schedule, run, "detector")
