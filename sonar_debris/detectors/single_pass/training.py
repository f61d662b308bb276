"""Train the single-pass detector on whole frames: of the public release, or of the user's own."""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame, read_labels
from sonar_debris.datasets.release import CLASS_NAMES, CONDITIONS
from sonar_debris.datasets.splits import hold_out_scenes
from sonar_debris.datasets.training_frames import (
    COLLECTION,
    TrainingFrame,
    load_training_frames,
    read_turntable_objects,
)
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.detectors.model_folder import SETTINGS_FILE, SinglePassSettings, check_class_names, find_model
from sonar_debris.detectors.single_pass.detector import WEIGHTS_FILE, SinglePassDetector
from sonar_debris.detectors.single_pass.loss import single_pass_loss
from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE, build_single_pass
from sonar_debris.detectors.single_pass.sampler import FrameSampler, common_shape
from sonar_debris.detectors.thresholds import calibrate_on_validation
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.files import check_resume
from sonar_debris.frames.conditions import SonarConditions
from sonar_debris.networks import save_network
from sonar_debris.training import TrainingConfig, fit

# Image ``(rows, cols)`` uint8, boxes ``(N, 4)`` float32 in pixels, and class indices ``(N,)``.
SimulatedFrame = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class DetectorData:
    """The data that a detector is trained on.

    Attributes:
        train: labelled frames to train on.
        val: labelled frames that choose the thresholds; may be empty.
        class_names: the class names that the frames' class indices refer to.
        description: what ``model.json`` records of the data, with values that JSON can hold.
        pasted_objects: frames whose objects are pasted into the training frames, in addition to those of ``train``.
        conditions: sonar and ranges of the training frames; by default those that the frames record.
    """

    train: Sequence[LabelledFrame]
    val: Sequence[LabelledFrame]
    class_names: tuple[str, ...]
    description: dict[str, Any] = field(default_factory=dict)
    pasted_objects: Sequence[TrainingFrame] = ()
    conditions: SonarConditions | None = None


def user_data(images: str | os.PathLike[str], labels: str | os.PathLike[str]) -> DetectorData:
    """Read your own labelled frames, and hold out about a fifth of them, in whole scenes, for validation.

    Args:
        images: the folder of the images.
        labels: a COCO ``.json`` file, or a folder of Pascal VOC or YOLO files, see `read_labels`.

    Returns:
        The data.

    Raises:
        SonarDebrisError: the labels or an image cannot be read.
    """
    frames, class_names = read_labels(images, labels)
    train, val = hold_out_scenes(frames)
    description = {"labels": str(labels), "frames": len(train), "validation_frames": len(val)}
    return DetectorData(train, val, class_names, description)


def public_data(training_set: TrainingSet, without: Sequence[str] = ()) -> DetectorData:
    """Read frames of the public release and the objects of its turntable.

    Args:
        training_set: parts of the release to train on and to validate on.
        without: names of classes. Frames that show an object of these classes are left out.

    Returns:
        The data.

    Raises:
        SonarDebrisError: the folder holds no labels, or the split has no such part.
        ValueError: a name in ``without`` is not a class of the release.
    """
    unknown = set(without) - set(CLASS_NAMES)
    if unknown:
        raise ValueError(f"without must hold class names of the release. Received: {', '.join(sorted(unknown))}")
    excluded = {CLASS_NAMES.index(name) for name in without}
    has_turntable = (training_set.root / COLLECTION).is_dir()
    objects = read_turntable_objects(training_set.root, CLASS_NAMES) if has_turntable else []
    train = training_set.labelled_frames(training_set.train)
    val = training_set.labelled_frames(training_set.val)
    description = training_set.describe()
    if without:
        description["without"] = list(without)
    return DetectorData(
        [frame for frame in train if excluded.isdisjoint(frame.class_id.tolist())],
        [frame for frame in val if excluded.isdisjoint(frame.class_id.tolist())],
        CLASS_NAMES,
        description,
        [frame for frame in objects if excluded.isdisjoint(frame.class_id.tolist())],
        CONDITIONS,
    )


def train_detector(
    data: DetectorData,
    output: str | os.PathLike[str],
    config: TrainingConfig,
    *,
    init: str | Path | None = None,
    thresholds_from: str | Path | None = None,
    name: str | None = None,
    command: str | None = None,
    simulated: Iterable[SimulatedFrame] = (),
    tensorboard: bool = False,
    again: bool = False,
    more_epochs: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Train a single-pass detector, calibrate it on the validation frames, and write a model folder.

    If the training is interrupted, call the function with the same arguments again to resume it. The folder receives
    ``detector.keras``, the log ``detector.csv`` and ``model.json``. The command ``sonar-debris train detector`` calls
    this function with ``TrainingConfig(60, 160, batch_size=8, learning_rate=2e-3, weight_decay=0.05)``.

    Args:
        data: the frames, for example of `user_data`.
        output: the model folder; it is created if necessary.
        config: length and learning rate.
        init: name or folder of a single-pass model whose weights to start from. It may have other classes.
        thresholds_from: name or folder of a single-pass model whose calibration and thresholds to keep; by default they
            are chosen on the validation frames. Without validation frames the scores are not calibrated.
        name: name of the model; by default that of the folder.
        command: the command line to record in ``model.json``.
        simulated: simulated frames to train on as well, with the class indices of ``data``. They are read once, when
            training starts. Record their number as ``simulated_frames`` in ``data.description``.
        tensorboard: whether to log for TensorBoard too.
        again: whether a training that is finished is repeated.
        more_epochs: number of epochs to add to a training that is finished, all other arguments being the same. They
            have a learning rate schedule, a log and a checkpoint of their own, in the folder ``more-1``, ``more-2``, …
        progress: called after each epoch with the number of epochs done and the number of all epochs.

    Returns:
        The model folder, for `DebrisDetector.from_pretrained`.

    Raises:
        SonarDebrisError: there are no training frames, a frame or a model cannot be read, the folder holds a training
            with other options or a finished one, there is none to add epochs to, or TensorBoard is not installed.

    Warns:
        SonarDebrisWarning: no validation frame shows an object, so the scores are not calibrated.

    Example:
        >>> data = user_data("frames", "labels.json")  # doctest: +SKIP
        >>> folder = train_detector(data, "my-model", TrainingConfig(60, 160, batch_size=8))  # doctest: +SKIP
        >>> detector = DebrisDetector.from_pretrained(folder)  # doctest: +SKIP
    """
    folder = Path(output)
    if not data.train:
        raise SonarDebrisError(f"{folder}: no frames to train on; choose other frames or classes")
    if tensorboard and not find_spec("tensorboard"):
        raise SonarDebrisError("TensorBoard is not installed; pip install 'sonar-debris[tensorboard]'")
    try:
        check_class_names(data.class_names)
    except ValueError as error:
        raise SonarDebrisError(f"the model cannot have these classes: {error}") from error
    settings = SinglePassSettings(name or folder.resolve().name, data.class_names, data=data.description)
    if thresholds_from:
        earlier = SinglePassSettings.load(find_model(thresholds_from) / SETTINGS_FILE)
        settings = replace(earlier, name=settings.name, class_names=settings.class_names, data=settings.data)
    init_network = SinglePassDetector.load(find_model(init)).network if init else None
    options = {
        **data.description,
        "simulated": data.description.get("simulated_frames", 0),
        "init": None if init is None else str(init),
        "schedule": asdict(config),
    }
    check_resume(folder, options)
    stage = _continue(folder, config, more_epochs) if more_epochs else _start(folder, config, init_network, again)
    train, val = load_training_frames(data.train, simulated), load_training_frames(data.val)
    conditions = data.conditions or SonarConditions.merge(frame.conditions for frame in train)
    sampler, val_sampler = _frame_samplers(train, val, data.pasted_objects)
    network = train_single_pass(
        sampler, val_sampler, len(data.class_names), stage.config, stage.run, stage.init, tensorboard, progress
    )
    if stage.run != folder:
        save_network(network, folder / WEIGHTS_FILE)
    if data.val and not thresholds_from:
        settings = _calibrate(SinglePassDetector(network, settings), settings, data.val)
    recorded = {"command": command} if command else {}
    recorded |= asdict(config) | ({"more_epochs": stage.more_epochs} if stage.more_epochs else {})
    replace(settings, training=recorded, conditions=conditions).save(folder / SETTINGS_FILE)
    return folder


@dataclass(frozen=True)
class _Stage:
    """A training, or the epochs that are added to one: the folder of log and checkpoint, and what it starts from."""

    run: Path
    config: TrainingConfig
    init: keras.Model | None
    more_epochs: list[int]


def _start(folder: Path, config: TrainingConfig, init: keras.Model | None, again: bool) -> _Stage:
    if (folder / SETTINGS_FILE).exists() and not again:
        raise SonarDebrisError(
            f"{folder}: this training is finished; to repeat it, add --again (again=True), "
            "and to train it further --more EPOCHS (more_epochs)"
        )
    (folder / SETTINGS_FILE).unlink(missing_ok=True)
    return _Stage(folder, config, init, [])


def _continue(folder: Path, config: TrainingConfig, more_epochs: int) -> _Stage:
    if not (folder / SETTINGS_FILE).exists():
        raise SonarDebrisError(f"{folder}: no finished training to add epochs to; leave out --more (more_epochs)")
    earlier = SinglePassDetector.load(folder)
    added = [*earlier.settings.training.get("more_epochs", []), more_epochs]
    run = folder / f"more-{len(added)}"
    check_resume(run, {"more_epochs": more_epochs})
    return _Stage(run, replace(config, epochs=more_epochs), earlier.network, added)


def _frame_samplers(
    train: Sequence[TrainingFrame], val: Sequence[TrainingFrame], pasted_objects: Sequence[TrainingFrame]
) -> tuple[FrameSampler, FrameSampler | None]:
    """Return the samplers of training frames and of validation frames, all of the same shape."""
    shape = common_shape([*train, *val], MULTIPLE)
    val_sampler = FrameSampler(val, shape, STRIDE, augmented=False) if val else None
    return FrameSampler(train, shape, STRIDE, pasted_objects=pasted_objects), val_sampler


def _calibrate(
    detector: SinglePassDetector, settings: SinglePassSettings, val: Sequence[LabelledFrame]
) -> SinglePassSettings:
    if any(len(frame.xyxy) for frame in val):
        return calibrate_on_validation(detector, settings, val)
    message = f"{settings.name}: no validation frame shows an object, so the scores are not calibrated"
    warnings.warn(message, SonarDebrisWarning, stacklevel=3)
    return settings


def train_single_pass(
    train: FrameSampler,
    val: FrameSampler | None,
    classes: int,
    config: TrainingConfig,
    run: Path,
    init: keras.Model | None = None,
    tensorboard: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> keras.Model:
    """Train a network of `build_single_pass`.

    Args:
        train: draws the training frames.
        val: draws the validation frames, or None.
        classes: number of classes.
        config: length and learning rate.
        run: folder of ``detector.keras`` and its log.
        init: a trained network to start from, or None. It may have another number of classes.
        tensorboard: whether to log for TensorBoard too.
        progress: called after each epoch with the number of epochs done and the number of all epochs.

    Returns:
        The trained network.
    """

    def build() -> keras.Model:
        network = build_single_pass(classes)
        if init:
            copy_weights(init, network)
        return network

    validation = val.detection if val else None
    return fit(
        build,
        train.detection,
        validation,
        single_pass_loss,
        config,
        run,
        name=Path(WEIGHTS_FILE).stem,
        tensorboard=tensorboard,
        progress=progress,
    )


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of a network into another of the same layers, except where the shapes differ (other classes).

    Args:
        source: the network to copy from.
        target: the network that receives the weights.
    """
    for source_layer, target_layer in zip(source.layers, target.layers, strict=True):
        source_shapes = [weight.shape for weight in source_layer.weights]
        if source_shapes == [weight.shape for weight in target_layer.weights]:
            target_layer.set_weights(source_layer.get_weights())
