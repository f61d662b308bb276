"""``sonar-debris train detector``: the single-pass detector, on the public release or on the user's own labels."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.data_options import TrainingOptions, with_output, with_training_config, with_training_options
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.datasets.training_frames import TrainingFrame
    from sonar_debris.datasets.training_set import TrainingSet
    from sonar_debris.detectors.model_folder import SinglePassSettings
    from sonar_debris.training import TrainingConfig

EXISTING = click.Path(exists=True, path_type=Path)


@dataclass(frozen=True)
class DetectorData:
    """What a detector is to learn.

    Attributes:
        train: frames to learn from.
        val: frames to validate on; may be empty.
        class_names: one name a class.
        about: what ``model.json`` says of it.
        objects: what else is pasted into the frames.
    """

    train: Sequence[LabelledFrame]
    val: Sequence[LabelledFrame]
    class_names: tuple[str, ...]
    about: dict
    objects: Sequence[TrainingFrame] = ()


@click.command()
@with_output
@with_training_options
@click.option("--images", type=EXISTING, metavar="FOLDER", help="Your own images, in place of the public release.")
@click.option("--labels", type=EXISTING, metavar="PATH", help="Their labels: COCO .json, Pascal VOC or YOLO folder.")
@click.option("--without", multiple=True, metavar="CLASS", help="Learn from no frame of the release that shows this.")
@click.option("--init", metavar="NAME|PATH", help="Begin with this model's weights.")
@click.option("--thresholds-of", metavar="NAME|PATH", help="Keep this model's thresholds.")
@click.option("--patience", type=click.IntRange(min=0), default=0, help="Stop after so many epochs without gain.")
@click.option("--tensorboard", is_flag=True, help="Log for TensorBoard too.")
@click.option("--name", help="Name of the model.  [default: that of the folder]")
@with_training_config(epochs=60, steps=160, batch_size=8, learning_rate=2e-3)
def detector(
    output: Path,
    options: TrainingOptions,
    images: Path | None,
    labels: Path | None,
    without: tuple[str, ...],
    init: str | None,
    thresholds_of: str | None,
    patience: int,
    tensorboard: bool,
    name: str | None,
    config: TrainingConfig,
) -> None:
    """Train the single-pass detector, choose its thresholds on validation frames, and write a model folder for detect.

    \b
    Example:
      sonar-debris train detector --data marine-debris-fls -o my-model
      sonar-debris train detector --images frames --labels labels.json --init single-pass -o my-model
    """
    from sonar_debris.detectors.model_folder import SinglePassSettings, find_model
    from sonar_debris.networks import load_network

    with quiet_backend():
        from sonar_debris.detectors.single_pass.training import train_single_pass
    if tensorboard and not find_spec("tensorboard"):
        raise SonarDebrisError("--tensorboard: not installed; pip install 'sonar-debris[tensorboard]'")
    lesson = user_data(images, labels) if labels or images else public_data(options.training_set(), without)
    config = replace(config, weight_decay=0.05, patience=patience)
    check_detector_resume(output, lesson, options.simulated, init, config)
    settings = SinglePassSettings("", lesson.class_names)
    if thresholds_of:
        settings = SinglePassSettings.load(find_model(thresholds_of) / "model.json")
    begin = load_network(find_model(init) / "detector.keras") if init else None
    sampled = draw_frames(lesson, options.simulated, config.seed)
    train_single_pass(*sampled, len(lesson.class_names), config, output, begin, tensorboard)
    if lesson.val and not thresholds_of:
        settings = calibrate_on_validation(output, settings, lesson.val)
    training = {"command": shlex.join(["sonar-debris", *sys.argv[1:]]), **asdict(config)}
    settings = replace(settings, name=name or output.resolve().name, data=lesson.about, training=training)
    settings.save(output / "model.json")
    click.echo(f"trained on {len(lesson.train)} frames; try: sonar-debris detect FRAMES -o OUT --model {output}")


def user_data(images: Path | None, labels: Path | None) -> DetectorData:
    """The user's own frames, of which whole scenes are kept for validation."""
    from sonar_debris.datasets.labels import read_labels
    from sonar_debris.datasets.splits import hold_out_scenes

    if not (images and labels):
        raise click.UsageError("--images and --labels belong together")
    frames, names = read_labels(images, labels)
    train, val = hold_out_scenes(frames)
    about = {"labels": str(labels), "frames": len(train), "validation_frames": len(val)}
    return DetectorData(train, val, names, about)


def public_data(training_set: TrainingSet, without: Sequence[str]) -> DetectorData:
    """Frames of the public release, without those that show some classes."""
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.datasets.training_frames import COLLECTION, read_turntable_objects

    unknown = sorted(set(without) - {*CLASS_NAMES})
    if unknown:
        raise click.UsageError(f"--without: no class {', '.join(unknown)}; choose among {', '.join(CLASS_NAMES)}")
    if without and training_set.simulated:
        raise click.UsageError("--without goes with --simulated 0: simulated frames show every class")
    hidden = {CLASS_NAMES.index(name) for name in without}
    there = (training_set.root / COLLECTION).is_dir()
    objects = read_turntable_objects(training_set.root, CLASS_NAMES) if there else []
    train, val, objects = (
        [frame for frame in frames if hidden.isdisjoint(frame.class_id.tolist())]
        for frames in (
            training_set.labelled_frames(training_set.train),
            training_set.labelled_frames(training_set.val),
            objects,
        )
    )
    about = training_set.describe() | ({"without": without} if without else {})
    return DetectorData(train, val, CLASS_NAMES, about, objects)


def check_detector_resume(
    output: Path, lesson: DetectorData, simulated: int, init: str | None, schedule: TrainingConfig
) -> None:
    """Refuse a run folder that was begun with other options."""
    from sonar_debris.files import check_resume

    check_resume(output, {**lesson.about, "simulated": simulated, "init": init, "schedule": asdict(schedule)})


def draw_frames(lesson: DetectorData, simulated: int, seed: int) -> tuple:
    """Samplers of training frames and of validation frames, or None."""
    with quiet_backend():
        from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE
        from sonar_debris.detectors.single_pass.sampler import FrameSampler, common_shape
        from sonar_debris.training import load_frames
    log = functools.partial(click.echo, err=True)
    train = load_frames(lesson.train, simulated, seed, log)
    val = load_frames(lesson.val, log=log) if lesson.val else []
    shape = common_shape([*train, *val], MULTIPLE)
    held = FrameSampler(val, shape, STRIDE, augmented=False) if val else None
    return FrameSampler(train, shape, STRIDE, objects=lesson.objects), held


def calibrate_on_validation(
    folder: Path, settings: SinglePassSettings, val: Sequence[LabelledFrame]
) -> SinglePassSettings:
    """Thresholds that suit validation frames."""
    from sonar_debris.detectors.single_pass.detector import SinglePassDetector
    from sonar_debris.detectors.thresholds import choose_thresholds
    from sonar_debris.networks import load_network

    open_to_all = replace(settings, min_score=0.0, alternatives=0.0)
    found = SinglePassDetector(load_network(folder / "detector.keras"), open_to_all)
    return choose_thresholds(settings, [(val, [found.detect(frame.load()) for frame in val])])
