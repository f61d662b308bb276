"""Fine-tune a single-pass detector on a few labelled frames of a new place, in minutes.

The network is trained on these frames alone, and its weights are then averaged with those that it started from. The
average knows the new place nearly as well as the fine-tuned network, and forgets less of what the earlier one knew.
Length, learning rate and averaging are fixed values, chosen on the five folds of the public release
(``benchmarks/few_shot.py``): so few frames are worth more for training than for validation.

Reference:
    Wortsman et al., Robust fine-tuning of zero-shot models (WiSE-FT), 2022, arXiv:2109.01903.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from sonar_debris.datasets.labels import LabelledFrame, merge_class_names
from sonar_debris.datasets.training_frames import load_training_frames
from sonar_debris.detectors.model_folder import DEFAULT_MODEL, SETTINGS_FILE, find_model
from sonar_debris.detectors.single_pass.detector import WEIGHTS_FILE, SinglePassDetector
from sonar_debris.detectors.single_pass.loss import single_pass_loss
from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE, build_single_pass
from sonar_debris.detectors.single_pass.sampler import FrameSampler, common_shape
from sonar_debris.errors import SonarDebrisError
from sonar_debris.networks import save_network
from sonar_debris.training import TrainingConfig, fit

# Steps between two reports of progress.
STEPS_PER_EPOCH = 20
# Fewest steps, however slow the machine is, and the steps of each of the two epochs that measure its speed.
MIN_STEPS, TRIAL_STEPS = 80, 6


@dataclass(frozen=True)
class FineTuningConfig:
    """Length of a fine-tuning, and how far it may lead away from the earlier network.

    Attributes:
        steps: number of batches.
        batch_size: frames per batch.
        learning_rate: the highest learning rate, reached after a twentieth of the steps.
        weight_decay: weight decay of AdamW (decoupled).
        averaging: weight of the fine-tuned network in the average, in [0, 1]; 1 keeps nothing of the earlier network.
        seed: seed of the samples.
    """

    steps: int = 240
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    averaging: float = 0.7
    seed: int = 0


def fine_tune_detector(
    frames: Sequence[LabelledFrame],
    class_names: Sequence[str],
    output: str | os.PathLike[str],
    *,
    init: str | Path = DEFAULT_MODEL,
    config: FineTuningConfig = FineTuningConfig(),
    minutes: float | None = None,
    name: str | None = None,
    command: str | None = None,
    description: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fine-tune a detector on labelled frames, average its weights with the earlier ones, and write a model folder.

    Calibration and thresholds of the earlier model are kept. Classes that it does not know are added. All objects in
    the frames must be labelled: what is not labelled is learnt as background.

    Args:
        frames: the labelled frames; all of them are trained on. A frame without boxes shows background only.
        class_names: the names that the frames' ``class_id`` indexes; they are paired with those of the model by name,
            ignoring case.
        output: the model folder; it is created if necessary.
        init: name or folder of the single-pass model to start from.
        config: length and averaging.
        minutes: longest time of the training on this machine: ``config.steps`` is reduced, but not below `MIN_STEPS`.
        name: name of the model; by default that of the folder.
        command: the command line to record in ``model.json``.
        description: what ``model.json`` records of the data, with values that JSON can hold.
        progress: called after each epoch of `STEPS_PER_EPOCH` steps with the number of epochs done and of all epochs.

    Returns:
        The model folder, for `DebrisDetector.from_pretrained`.

    Raises:
        SonarDebrisError: there are no frames, a frame or the model cannot be read, or the folder holds another model.

    Reference:
        Wortsman et al., 2022, arXiv:2109.01903, equation 1.
    """
    folder = Path(output)
    if not frames:
        raise SonarDebrisError(f"{folder}: no frames to learn from; label some first")
    if (folder / SETTINGS_FILE).exists():
        raise SonarDebrisError(f"{folder}: holds a model already; choose another folder")
    earlier = SinglePassDetector.load(find_model(init))
    known = len(earlier.settings.class_names)
    union, class_index = merge_class_names(earlier.settings.class_names, class_names)
    training_frames = [replace(frame, class_id=class_index[frame.class_id]) for frame in load_training_frames(frames)]
    sampler = FrameSampler(training_frames, common_shape(training_frames, MULTIPLE), STRIDE)
    start = extend_classes(earlier.network, len(union), config.seed)
    schedule = TrainingConfig(
        _epochs(config.steps),
        STEPS_PER_EPOCH,
        config.batch_size,
        config.learning_rate,
        config.weight_decay,
        config.seed,
    )
    if minutes is not None:
        schedule = replace(schedule, epochs=_epochs(_affordable_steps(start, sampler, schedule, 60 * minutes)))
    tuned = _train(start, sampler, schedule, progress)
    folder.mkdir(parents=True, exist_ok=True)
    save_network(average_weights(start, tuned, config.averaging, known), folder / WEIGHTS_FILE)
    recorded_command = {"command": command} if command else {}
    settings = replace(
        earlier.settings,
        name=name or folder.resolve().name,
        class_names=union,
        data={**(description or {}), "learnt_frames": len(frames), "init": str(init)},
        training=recorded_command | asdict(replace(config, steps=schedule.epochs * STEPS_PER_EPOCH)),
        figures={},
    )
    settings.save(folder / SETTINGS_FILE)
    return folder


def _epochs(steps: int) -> int:
    return max(1, round(steps / STEPS_PER_EPOCH))


def extend_classes(network: keras.Model, classes: int, seed: int = 0) -> keras.Model:
    """Return a copy of a network with more classes.

    Args:
        network: a network of `build_single_pass`.
        classes: number of classes of the copy, not fewer than the network has.
        seed: seed of the new classes' initial weights.

    Returns:
        The copy. Its first classes are those of the network, with the same weights.
    """
    keras.utils.set_random_seed(seed)
    extended = build_single_pass(classes)
    for source, target in zip(network.weights, extended.weights, strict=True):
        values = target.numpy()
        values[..., : source.shape[-1]] = source.numpy()
        target.assign(values)
    return extended


def average_weights(start: keras.Model, tuned: keras.Model, averaging: float, known: int) -> keras.Model:
    """Average the weights of two networks, except those of new classes, which are kept from the fine-tuned one.

    Args:
        start: the network before fine-tuning.
        tuned: the network after it.
        averaging: weight of ``tuned``, in [0, 1].
        known: number of classes that ``start`` was trained on; they come first.

    Returns:
        A new network.

    Reference:
        Wortsman et al., 2022, arXiv:2109.01903, equation 1.
    """
    classes = start.output_shape[-1] - 5
    average = build_single_pass(classes)
    for before, after, target in zip(start.weights, tuned.weights, average.weights, strict=True):
        values = (1 - averaging) * before.numpy() + averaging * after.numpy()
        if known < classes and values.shape[-1] == classes:
            values[..., known:] = after.numpy()[..., known:]
        target.assign(values)
    return average


def _train(
    start: keras.Model,
    sampler: FrameSampler,
    schedule: TrainingConfig,
    progress: Callable[[int, int], None] | None,
) -> keras.Model:
    # A training of minutes is not resumed, so its checkpoints are not kept.
    with TemporaryDirectory() as run:
        return fit(
            lambda: _copy(start),
            sampler.detection,
            None,
            single_pass_loss,
            schedule,
            Path(run),
            "learn",
            progress=progress,
        )


def _copy(network: keras.Model) -> keras.Model:
    copy = build_single_pass(network.output_shape[-1] - 5)
    copy.set_weights(network.get_weights())
    return copy


def _affordable_steps(start: keras.Model, sampler: FrameSampler, schedule: TrainingConfig, seconds: float) -> int:
    """Return how many steps this machine trains in a time, at most those of the schedule."""
    ends: list[float] = []
    # The first epoch takes longer, as it compiles the training step.
    trial = replace(schedule, epochs=2, steps=TRIAL_STEPS)
    begin = time.monotonic()
    _train(start, sampler, trial, lambda done, total: ends.append(time.monotonic()))
    left = seconds - 2 * (ends[0] - begin) - (ends[1] - ends[0])
    affordable = int(left * TRIAL_STEPS / (ends[1] - ends[0]))
    return min(max(affordable, MIN_STEPS), schedule.epochs * schedule.steps)
