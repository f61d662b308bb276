"""How every network is trained: AdamW, warm-up and cosine decay, resumable, logged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from sonar_debris.training.batches import Sample, SampledBatches
from sonar_debris.training.fused_batch_norm import with_fused_batch_norm
from sonar_debris.training.progress import EpochLines


@dataclass(frozen=True)
class Schedule:
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
    schedule: Schedule,
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


def _compiled(build: Callable, loss: Callable, schedule: Schedule, metrics: Sequence) -> keras.Model:
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


def _stop_early(schedule: Schedule) -> keras.callbacks.Callback:
    return keras.callbacks.EarlyStopping("val_loss", patience=schedule.patience, restore_best_weights=True)


def _learning_rate(schedule: Schedule) -> keras.optimizers.schedules.LearningRateSchedule:
    total = schedule.epochs * schedule.steps
    warmup = max(1, total // 20)
    return keras.optimizers.schedules.CosineDecay(
        schedule.learning_rate / 20, max(1, total - warmup), warmup_target=schedule.learning_rate, warmup_steps=warmup
    )
