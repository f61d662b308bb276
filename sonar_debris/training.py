"""Batches drawn afresh for every epoch, the same for the same seed.

MERGED:
How far a training is, on stderr: what was reached, and how long the rest will take.
---
How every network is trained: AdamW, warm-up and cosine decay, resumable, logged.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from sonar_debris.networks import with_fused_batch_norm

Sample = Callable[[np.random.Generator], tuple[np.ndarray, object]]


class SampledBatches(keras.utils.PyDataset):
    """A Keras dataset that draws each of its samples with a random generator of its own.

    Args:
        sample: draws one input and its target.
        batch_size: samples a batch.
        steps: batches an epoch.
        seed: with the epoch and the batch's number it decides all draws, in whatever order they are made.
    """

    def __init__(self, sample: Sample, batch_size: int, steps: int, seed: int = 0):
        super().__init__(workers=2)
        self.sample = sample
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, self.epoch, index))
        inputs, targets = zip(*(self.sample(rng) for _ in range(self.batch_size)), strict=True)
        return np.stack(inputs), np.array(targets)

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Every batch of this epoch as one pair of arrays, for validation."""
        inputs, targets = zip(*(self[index] for index in range(self.steps)), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


def with_progress(items: Sequence, label: str) -> Iterable:
    """Go through items and show how many are done and the time left; only where stderr is a terminal."""
    console = Console(stderr=True)
    return track(items, label, console=console, disable=not console.is_terminal)


class EpochLines(keras.callbacks.Callback):
    """Prints the metrics of each epoch and the time left, fit for a terminal and for a log file.

    Args:
        label: what is being trained.
    """

    def __init__(self, label: str):
        super().__init__()
        self.label = label

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._begin = time.monotonic()
        self._first = None

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch that an interrupted training goes on with."""
        if self._first is None:
            self._first = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Print the line."""
        epochs = self.params["epochs"]
        done = epoch + 1 - self._first
        left = (time.monotonic() - self._begin) / done * (epochs - epoch - 1)
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items() if name != "learning_rate")
        print(f"{self.label} epoch {epoch + 1}/{epochs}  {metrics}  {left / 60:.1f} min left", file=sys.stderr)


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how fast to train.

    Attributes:
        epochs: number of epochs.
        steps: batches an epoch.
        batch_size: samples a batch.
        learning_rate: the highest, after the warm-up of one twentieth of all steps.
        weight_decay: AdamW's, decoupled.
        seed: of the weights and the samples.
        precision: a Keras dtype policy; the weights are stored as float32 whatever it is.
        patience: after so many epochs without a lower validation loss training stops, and what was best is kept; 0 for
            never.
    """

    epochs: int
    steps: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-3
    seed: int = 0
    precision: str = "float32"
    patience: int = 0


def fit(
    build: Callable[[], keras.Model],
    sample: Sample,
    validation: Sample | None,
    loss: Callable,
    schedule: TrainingConfig,
    run: Path,
    name: str,
    metrics: Sequence = (),
    tensorboard: bool = False,
) -> keras.Model:
    """Train a network; with the same run folder, go on where an interrupted training stopped.

    What comes out is what would have without the interruption; a finished training starts afresh.

    Args:
        build: makes the network, without arguments.
        sample: draws one training sample from a random generator.
        validation: draws one validation sample, or None.
        loss: Keras loss.
        schedule: how long and how fast.
        run: folder for the log ``NAME.csv``, the checkpoint, and the result ``NAME.keras``.
        name: of the network.
        metrics: Keras metrics.
        tensorboard: log for TensorBoard too.

    Returns:
        The trained float32 network; it is also saved.
    """
    run.mkdir(parents=True, exist_ok=True)
    network = _compiled(build, loss, schedule, metrics)
    batches = SampledBatches(sample, schedule.batch_size, schedule.steps, schedule.seed)
    network.fit(
        batches,
        validation_data=SampledBatches(validation, schedule.batch_size, 20).all() if validation else None,
        epochs=schedule.epochs,
        # Batches are random as they are; another order after an interruption would lead to another network.
        shuffle=False,
        verbose=0,
        callbacks=[
            *_callbacks(batches, run, name),
            *([_stop_early(schedule)] if schedule.patience and validation else []),
            *([keras.callbacks.TensorBoard(run / "tensorboard")] if tensorboard else []),
        ],
    )
    trained = build()
    trained.set_weights(network.get_weights())
    save_network(trained, run / f"{name}.keras")
    return trained


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network whole or not at all: a training cut off while saving leaves no broken ``.keras`` file."""
    partial = path.with_name(f"{path.stem}-partial.keras")
    network.save(partial)
    partial.replace(path)


def _compiled(build: Callable, loss: Callable, schedule: TrainingConfig, metrics: Sequence) -> keras.Model:
    keras.utils.set_random_seed(schedule.seed)
    keras.config.set_dtype_policy(schedule.precision)
    try:
        network = with_fused_batch_norm(build())
    finally:
        keras.config.set_dtype_policy("float32")
    network.compile(
        keras.optimizers.AdamW(_learning_rate(schedule), weight_decay=schedule.weight_decay, global_clipnorm=5.0),
        loss,
        metrics=list(metrics),
        # XLA's convolutions on a CPU are slower than TensorFlow's own; JAX has no other way.
        jit_compile=keras.backend.backend() == "jax",
    )
    return network


def _callbacks(batches: SampledBatches, run: Path, name: str) -> list[keras.callbacks.Callback]:
    checkpoint = run / f"{name}-checkpoint"
    return [
        keras.callbacks.BackupAndRestore(checkpoint),
        keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(batches, "epoch", epoch)),
        keras.callbacks.CSVLogger(run / f"{name}.csv", append=checkpoint.exists()),
        EpochLines(name),
    ]


def _stop_early(schedule: TrainingConfig) -> keras.callbacks.Callback:
    return keras.callbacks.EarlyStopping("val_loss", patience=schedule.patience, restore_best_weights=True)


def _learning_rate(schedule: TrainingConfig) -> keras.optimizers.schedules.LearningRateSchedule:
    total = schedule.epochs * schedule.steps
    warmup = max(1, total // 20)
    return keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate / 20, max(1, total - warmup), warmup_target=schedule.learning_rate, warmup_steps=warmup
    )
