"""Train the sliding-window detector: objectness network, box refiner and crop classifier, and their score threshold.

Each network learns from the output of the one before it: the box refiner from proposals of the objectness network, the
classifier from boxes of the refiner.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from sonar_debris.classifiers.crop_classifier import BACKGROUND
from sonar_debris.classifiers.training import train_classifier
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES, CONDITIONS
from sonar_debris.datasets.training_frames import TrainingFrame, load_training_frames
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.detectors.model_folder import SETTINGS_FILE, SlidingWindowSettings
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.detectors.sliding_window.networks import build_box_refiner, build_objectness, refinement_loss
from sonar_debris.detectors.sliding_window.proposals import mine_proposals, refine_proposals
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.detectors.thresholds import calibrate_on_validation
from sonar_debris.files import check_resume
from sonar_debris.networks import load_network
from sonar_debris.simulator import simulate_frames
from sonar_debris.training import TrainingConfig, fit

Progress = Callable[[int, int], None]
Log = Callable[[str], None]


@dataclass(frozen=True)
class PipelineSchedules:
    """Lengths and learning rates of the trainings of the three networks."""

    objectness: TrainingConfig = TrainingConfig(epochs=18, steps=250)
    refiner: TrainingConfig = TrainingConfig(epochs=16, steps=300)
    classifier: TrainingConfig = TrainingConfig(epochs=14, steps=200)

    def with_options(self, seed: int, precision: str) -> "PipelineSchedules":
        """Return the same schedules with another seed and precision.

        Args:
            seed: seed of the initial weights and of the samples.
            precision: a Keras dtype policy.

        Returns:
            The schedules.
        """
        return PipelineSchedules(
            replace(self.objectness, seed=seed, precision=precision),
            replace(self.refiner, seed=seed, precision=precision),
            replace(self.classifier, seed=seed, precision=precision),
        )


DEFAULT_SCHEDULES = PipelineSchedules()


def train_pipeline(
    training_set: TrainingSet,
    output: Path | str,
    schedules: PipelineSchedules = DEFAULT_SCHEDULES,
    seed: int = 0,
    precision: str = "float32",
    settings: SlidingWindowSettings | None = None,
    name: str | None = None,
    command: str | None = None,
    log: Log | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train the three networks, choose the score threshold on the validation frames, and write a model folder.

    An interrupted training resumes if it is called again with the same arguments.

    Args:
        training_set: the frames to train and to validate on. Without validation parts the settings are kept.
        output: the model folder.
        schedules: lengths and learning rates of the trainings.
        seed: seed of the initial weights, the samples and the simulator.
        precision: a Keras dtype policy.
        settings: settings of an earlier model to start from; the defaults otherwise.
        name: name of the model; the folder's name by default.
        command: the command line to record in ``model.json``.
        log: called with lines of text on what is done.
        progress: called with the numbers of frames done and of all frames while proposals are mined and refined; each
            of these stages starts from 1 again.

    Returns:
        The model folder, which `DebrisDetector.from_pretrained` loads.

    Raises:
        SonarDebrisError: the folder holds a run with other options, or the labels cannot be read.
    """
    output = Path(output)
    check_resume(output, {**training_set.describe(), "seed": seed, "precision": precision})
    settings = settings or SlidingWindowSettings("", CLASS_NAMES)
    labelled = training_set.labelled_frames(training_set.train)
    validation = training_set.labelled_frames(training_set.val) if training_set.val else []
    train = _load_frames(labelled, training_set.simulated, seed, log)
    val = _load_frames(validation, log=log)
    train_networks(train, val, CLASS_NAMES, schedules.with_options(seed, precision), output, progress)
    if validation:
        settings = calibrate(output, settings, validation)
    training = {"command": command, "seed": seed, "precision": precision}
    settings = replace(
        settings,
        name=name or output.resolve().name,
        data=training_set.describe(),
        training=training,
        conditions=CONDITIONS,
    )
    settings.save(output / SETTINGS_FILE)
    return output


def train_networks(
    train: Sequence[TrainingFrame],
    val: Sequence[TrainingFrame],
    class_names: Sequence[str],
    schedules: PipelineSchedules,
    folder: Path,
    progress: Progress | None = None,
) -> None:
    """Train the networks that the folder does not hold yet; an interrupted training resumes.

    Args:
        train: frames to train on.
        val: frames for the validation loss in the logs; may be empty.
        class_names: the name of each class. The classifier has one more, background.
        schedules: lengths and learning rates of the trainings.
        folder: folder of ``objectness.keras``, ``refiner.keras``, ``classifier.keras`` and their logs.
        progress: called with the numbers of frames done and of all frames while proposals are mined and refined.
    """
    if all((folder / f"{name}.keras").is_file() for name in ("objectness", "refiner", "classifier")):
        return
    _, refiner, train, val = _train_proposer(train, val, schedules, folder, progress)
    train, val = refine_proposals(refiner, train, progress), refine_proposals(refiner, val, progress)
    sampler, val_sampler = _samplers(train, val, background_class=len(class_names))
    validation = val_sampler.classification if val_sampler else None
    names, config = (*class_names, BACKGROUND), schedules.classifier
    _load_or_train(
        folder,
        "classifier",
        lambda: train_classifier("residual", names, sampler.classification, validation, config, folder),
    )


def train_proposer(
    train: Sequence[TrainingFrame], schedules: PipelineSchedules, folder: Path, progress: Progress | None = None
) -> tuple[keras.Model, keras.Model]:
    """Train only the objectness network and the box refiner, as `train_networks` does.

    Args:
        train: frames to train on.
        schedules: lengths and learning rates of the trainings.
        folder: folder of ``objectness.keras``, ``refiner.keras`` and their logs.
        progress: called with the numbers of frames done and of all frames while proposals are mined.

    Returns:
        The objectness network and the box refiner.
    """
    objectness, refiner, _, _ = _train_proposer(train, [], schedules, folder, progress)
    return objectness, refiner


def _train_proposer(
    train: Sequence[TrainingFrame],
    val: Sequence[TrainingFrame],
    schedules: PipelineSchedules,
    folder: Path,
    progress: Progress | None,
) -> tuple[keras.Model, keras.Model, list[TrainingFrame], list[TrainingFrame]]:
    """Return the objectness network and the box refiner, and the frames with the proposals of the former."""
    sampler, val_sampler = _samplers(train, val)
    objectness = _load_or_train(
        folder, "objectness", lambda: train_objectness(sampler, val_sampler, schedules.objectness, folder)
    )
    mined, mined_val = mine_proposals(objectness, train, progress), mine_proposals(objectness, val, progress)
    mined_sampler, mined_val_sampler = _samplers(mined, mined_val)
    refiner = _load_or_train(
        folder, "refiner", lambda: train_refiner(mined_sampler, mined_val_sampler, schedules.refiner, folder)
    )
    return objectness, refiner, mined, mined_val


def _load_or_train(folder: Path, name: str, train: Callable[[], keras.Model]) -> keras.Model:
    path = folder / f"{name}.keras"
    return load_network(path) if path.is_file() else train()


def train_objectness(train: WindowSampler, val: WindowSampler | None, config: TrainingConfig, run: Path) -> keras.Model:
    """Train an objectness network on the IoU of windows with labelled boxes.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        config: length and learning rate.
        run: folder of ``objectness.keras`` and its log.

    Returns:
        The trained network of `build_objectness`.
    """
    # Cross-entropy with the IoU ramp as a soft target is lowest at the expected value of the ramp.
    loss = keras.losses.BinaryCrossentropy()
    metrics = [keras.metrics.MeanAbsoluteError(name="mae")]
    validation = val.objectness if val else None
    return fit(build_objectness, train.objectness, validation, loss, config, run, "objectness", metrics)


def train_refiner(train: WindowSampler, val: WindowSampler | None, config: TrainingConfig, run: Path) -> keras.Model:
    """Train a box refiner on proposals around labelled boxes and on background.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        config: length and learning rate.
        run: folder of ``refiner.keras`` and its log.

    Returns:
        The trained network of `build_box_refiner`.
    """
    validation = val.refinement if val else None
    return fit(build_box_refiner, train.refinement, validation, refinement_loss, config, run, "refiner")


def _load_frames(
    labelled: Sequence[LabelledFrame], simulated: int = 0, seed: int = 0, log: Log | None = None
) -> list[TrainingFrame]:
    """Read labelled frames into memory and simulate more."""
    if log:
        log(f"reading {len(labelled)} frames, simulating {simulated}")
    return load_training_frames(labelled, simulate_frames(simulated, seed))


def window_samplers(
    training_set: TrainingSet, seed: int = 0, log: Log | None = None
) -> tuple[WindowSampler, WindowSampler | None]:
    """Read the frames of a training set.

    Args:
        training_set: the frames to train and to validate on.
        seed: seed of the simulator.
        log: called with lines of text on what is read.

    Returns:
        The sampler of training windows, and that of validation windows, or None without validation parts.

    Raises:
        SonarDebrisError: the labels or a frame cannot be read.
    """
    train = _load_frames(training_set.labelled_frames(training_set.train), training_set.simulated, seed, log)
    val = _load_frames(training_set.labelled_frames(training_set.val), log=log) if training_set.val else []
    return _samplers(train, val)


def _samplers(
    train: Sequence[TrainingFrame], val: Sequence[TrainingFrame], background_class: int = -1
) -> tuple[WindowSampler, WindowSampler | None]:
    val_sampler = WindowSampler(val, augmented=False, background_class=background_class) if val else None
    return WindowSampler(train, background_class=background_class), val_sampler


def calibrate(folder: Path, settings: SlidingWindowSettings, val: Sequence[LabelledFrame]) -> SlidingWindowSettings:
    """Calibrate the scores and choose the score threshold on validation frames.

    Args:
        folder: folder of the three networks.
        settings: settings of the model.
        val: validation frames.

    Returns:
        The settings with the calibration, the threshold and the validation figures, see `choose_thresholds`.
    """
    return calibrate_on_validation(SlidingWindowDetector.load_networks(folder, settings), settings, val)
