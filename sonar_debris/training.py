"""Train a network: AdamW with warm-up and cosine decay, resumable, logged. All networks are trained by `fit`.

A training that was interrupted resumes at the epoch in which it stopped and yields the network that it would have
yielded without the interruption: the checkpoint holds the optimizer's state, and each batch is drawn from a random
generator that depends on nothing but the seed, the epoch and the batch's index.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sonar_debris.networks import save_network, with_fused_batch_norm

Sample = Callable[[np.random.Generator], tuple[np.ndarray, object]]

VALIDATION_BATCHES = 20
ERASE_TO_END = "\x1b[K"  # of the terminal's line


@dataclass(frozen=True)
class TrainingConfig:
    """Length and learning rate of a training.

    Attributes:
        epochs: number of epochs.
        steps: batches per epoch.
        batch_size: samples per batch.
        learning_rate: the highest learning rate, which is reached after the warm-up, a twentieth of all steps.
        weight_decay: weight decay of AdamW (decoupled).
        seed: seed of the initial weights and of the samples.
        precision: a Keras dtype policy. The stored weights are float32 in any case.
        patience: number of epochs without a lower validation loss after which training stops and the best weights are
            restored; 0 trains all epochs.
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
    loss: Callable | keras.Loss | str,
    config: TrainingConfig,
    run: Path,
    name: str,
    metrics: Sequence = (),
    tensorboard: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> keras.Model:
    """Train a network, or resume its training where it was interrupted in the same run folder.

    A training that was finished starts again from the first epoch.

    Args:
        build: returns the network; called without arguments.
        sample: draws a training sample from a random generator: input and target.
        validation: draws a validation sample, or None.
        loss: Keras loss.
        config: length and learning rate.
        run: folder of the log ``NAME.csv``, the checkpoint and the result ``NAME.keras``.
        name: name of the network.
        metrics: Keras metrics to log.
        tensorboard: whether to log for TensorBoard too.
        progress: called after each epoch with the number of epochs done and the number of all epochs.

    Returns:
        The trained network in float32, which is also stored.
    """
    run.mkdir(parents=True, exist_ok=True)
    network = _compile(build, loss, config, metrics)
    batches = SampledBatches(sample, config.batch_size, config.steps, config.seed)
    callbacks = _callbacks(batches, run, name)
    if config.patience and validation:
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True))
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(run / "tensorboard"))
    if progress:
        callbacks.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress(epoch + 1, config.epochs))
        )
    network.fit(
        batches,
        validation_data=SampledBatches(validation, config.batch_size, VALIDATION_BATCHES).all() if validation else None,
        epochs=config.epochs,
        # The batches are random already. Shuffled, they would come in another order after an interruption.
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    trained = build()
    trained.set_weights(network.get_weights())
    save_network(trained, run / f"{name}.keras")
    return trained


class SampledBatches(keras.utils.PyDataset):
    """A Keras dataset that draws every batch with a random generator of its own.

    Args:
        sample: draws an input and its target.
        batch_size: samples per batch.
        steps: batches per epoch.
        seed: with the epoch and the index of the batch it determines the batch, in any order of access.
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
        """Return all batches of this epoch as one array of inputs and one of targets."""
        inputs, targets = zip(*(self[index] for index in range(self.steps)), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


class EpochLines(keras.callbacks.Callback):
    """Print one line per epoch on stderr: the metrics and the time left. It suits terminals and log files.

    On a terminal a line that changes shows the steps within the epoch, too.

    Args:
        label: name of what is trained.
    """

    def __init__(self, label: str):
        super().__init__()
        self.label = label
        self._start = 0.0
        self._first_epoch: int | None = None
        self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Start the clock."""
        self._start = time.monotonic()
        self._first_epoch = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the first epoch: a resumed training does not start at 0.

        Args:
            epoch: index of the epoch.
            logs: not used.
        """
        if self._first_epoch is None:
            self._first_epoch = epoch

        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Show on a terminal how far the epoch is.

        Args:
            batch: index of the batch in its epoch.
            logs: values of the metrics by name.
        """
        if not sys.stderr.isatty():
            return
        epochs, steps = self.params["epochs"], self.params["steps"]
        done = (self._epoch - (self._first_epoch or 0)) * steps + batch + 1
        left = (time.monotonic() - self._start) / done * ((epochs - self._epoch) * steps - batch - 1)
        text = f"{self.label} epoch {self._epoch + 1}/{epochs}  step {batch + 1}/{steps}  {left / 60:.1f} min left"
        print(f"\r{text}{ERASE_TO_END}", end="", file=sys.stderr, flush=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Print the line.

        Args:
            epoch: index of the epoch.
            logs: values of the metrics by name.
        """
        epochs = self.params["epochs"]
        done = epoch + 1 - (self._first_epoch or 0)
        left = (time.monotonic() - self._start) / done * (epochs - epoch - 1)
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items() if name != "learning_rate")
        start = f"\r{ERASE_TO_END}" if sys.stderr.isatty() else ""
        print(f"{start}{self.label} epoch {epoch + 1}/{epochs}  {metrics}  {left / 60:.1f} min left", file=sys.stderr)


def _compile(build: Callable, loss: Callable | keras.Loss | str, config: TrainingConfig, metrics: Sequence) -> Any:
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        network = with_fused_batch_norm(build())
    finally:
        keras.config.set_dtype_policy("float32")
    network.compile(
        keras.optimizers.AdamW(_learning_rate(config), weight_decay=config.weight_decay, global_clipnorm=5.0),
        loss,
        metrics=list(metrics),
        # On a CPU, XLA's convolutions are slower than TensorFlow's own; JAX has no others.
        jit_compile=keras.backend.backend() == "jax",
    )
    return network


def _learning_rate(config: TrainingConfig) -> keras.optimizers.schedules.LearningRateSchedule:
    total = config.epochs * config.steps
    warmup = max(1, total // 20)
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 20, max(1, total - warmup), warmup_target=config.learning_rate, warmup_steps=warmup
    )


def _callbacks(batches: SampledBatches, run: Path, name: str) -> list[keras.callbacks.Callback]:
    checkpoint = run / f"{name}-checkpoint"
    return [
        keras.callbacks.BackupAndRestore(checkpoint),
        keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(batches, "epoch", epoch)),
        keras.callbacks.CSVLogger(run / f"{name}.csv", append=checkpoint.exists()),
        EpochLines(name),
    ]
