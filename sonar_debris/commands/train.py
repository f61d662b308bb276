"""``sonar-debris train``: the networks of the pipeline, one by one or all together."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.selection import find_data
from sonar_debris.quiet import quiet_backend

if TYPE_CHECKING:
    from sonar_debris.datasets.training_frames import TrainingFrame
    from sonar_debris.training.fit import Schedule

CLASSIFIERS = (
    "residual",
    "cnn-batchnorm",
    "cnn-dropout",
    *(f"mlp-{r}-{a}" for r in ("batchnorm", "dropout") for a in ("sigmoid", "tanh", "relu")),
)


@dataclass(frozen=True)
class TrainingData:
    """What to train on.

    Attributes:
        root: the folder of the public release.
        split: ``"scene"`` or ``"random"``.
        train: parts to learn from.
        val: parts to validate on; none of them is in ``train``.
        simulated: number of simulated frames to add.
    """

    root: Path
    split: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    simulated: int

    def describe(self) -> dict:
        """What ``model.json`` says of it."""
        held_out = sorted(set(parts_of(self.split)) - {*self.train, *self.val})
        test = {"test_fold": int(held_out[0])} if self.split == "scene" and held_out else {}
        return {
            "split": self.split,
            "train": self.train,
            "validation": self.val,
            **test,
            "simulated_frames": self.simulated,
        }


def with_data(command: Callable) -> Callable:
    """Give a command the options that choose training data, as one argument ``data``."""

    @click.option("--data", "root", type=click.Path(path_type=Path), help="Folder of the public release.")
    @click.option("--split", type=click.Choice(["scene", "random"]), default="scene", show_default=True)
    @click.option(
        "--test-fold", type=click.IntRange(0, 4), default=0, show_default=True, help="Scene fold left for testing."
    )
    @click.option(
        "--val-fold", type=click.IntRange(0, 4), default=3, show_default=True, help="Scene fold left for validation."
    )
    @click.option("--simulated", type=click.IntRange(min=0), default=0, show_default=True, help="Simulated frames too.")
    @functools.wraps(command)
    def run(root: Path | None, split: str, test_fold: int, val_fold: int, simulated: int, **others):
        train, val = choose_training_parts(split, test_fold, val_fold)
        return command(data=TrainingData(find_data(root), split, train, val, simulated), **others)

    return run


def with_schedule(epochs: int, steps: int) -> Callable:
    """Give a command the options of a training schedule, as one argument ``schedule``."""

    def decorate(command: Callable) -> Callable:
        @click.option("--epochs", type=click.IntRange(min=1), default=epochs, show_default=True)
        @click.option("--steps", type=click.IntRange(min=1), default=steps, show_default=True, help="Batches an epoch.")
        @click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
        @click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
        @with_numbers
        @functools.wraps(command)
        def run(epochs, steps, batch_size, learning_rate, seed, precision, **others):
            with quiet_backend():
                from sonar_debris.training.fit import Schedule
            schedule = Schedule(epochs, steps, batch_size, learning_rate, seed=seed, precision=precision)
            return command(schedule=schedule, **others)

        return run

    return decorate


def with_numbers(command: Callable) -> Callable:
    """Give a command the options --seed and --precision."""
    precision = click.Choice(["float32", "mixed_bfloat16", "mixed_float16"])
    command = click.option("--precision", type=precision, default="float32", show_default=True)(command)
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)(command)


with_output = click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="RUN", help="Run folder."
)


@click.group()
def train() -> None:
    """Train the networks on labelled frames. Run a command again to go on where it was interrupted.

    \b
    Example:
      sonar-debris train pipeline --data marine-debris-fls -o my-model
    """


@train.command()
@with_output
@with_data
@with_schedule(epochs=18, steps=250)
def objectness(output: Path, data: TrainingData, schedule: Schedule) -> None:
    """Train the objectness network on 96×96 windows and their IoU with labelled boxes.

    \b
    Example:
      sonar-debris train objectness --data marine-debris-fls -o runs/objectness
    """
    from sonar_debris.training.objectness import train_objectness

    claim(output, data, schedule=asdict(schedule))
    train_objectness(*samplers(data, schedule.seed), schedule, output)
    click.echo(f"trained on {len(data.train)} parts of the {data.split} split; see {output / 'objectness.keras'}")


@train.command()
@with_output
@with_data
@click.option("--network", type=click.Choice(CLASSIFIERS), default="residual", show_default=True)
@click.option(
    "--source",
    type=click.Choice(["frames", "crops"]),
    default="frames",
    show_default=True,
    help="Objects cut from whole frames (11 classes), or the release's crops (10 classes).",
)
@click.option("--size", type=click.IntRange(min=16), default=64, show_default=True, help="Side of the crops, pixels.")
@with_schedule(epochs=14, steps=200)
def classifier(output: Path, data: TrainingData, network: str, source: str, size: int, schedule: Schedule) -> None:
    """Train a crop classifier.

    \b
    Example:
      sonar-debris train classifier --data marine-debris-fls --network cnn-batchnorm --source crops -o runs/cnn
    """
    from sonar_debris.training.classifier import train_classifier

    names, *draw = (crop_samples if source == "crops" else frame_samples)(data, size, schedule.seed)
    claim(output, data, network=network, source=source, size=size, schedule=asdict(schedule))
    train_classifier(network, names, *draw, schedule, output, size, about={"data": data.describe()})
    click.echo(f"trained on {source} of the {data.split} split; see {output / 'classifier.keras'}")


@train.command()
@with_output
@with_data
@with_numbers
@click.option("--name", help="Name of the model.  [default: that of the folder]")
@click.option(
    "--refit-of",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="MODEL",
    help="Keep this model's settings, which its validation frames chose, and learn from those frames too.",
)
def pipeline(
    output: Path, data: TrainingData, seed: int, precision: str, name: str | None, refit_of: Path | None
) -> None:
    """Train objectness, box refiner and classifier, choose the thresholds, and write a model folder for detect.

    \b
    Example:
      sonar-debris train pipeline --data marine-debris-fls -o my-model
    """
    from sonar_debris.datasets.watertank import CLASS_NAMES
    from sonar_debris.detection.settings import SlidingWindowSettings

    with quiet_backend():
        from sonar_debris.training.pipeline import Recipe, calibrate, train_networks
    if refit_of:
        data = replace(data, train=(*data.train, *data.val), val=())
    claim(output, data, seed=seed, precision=precision)
    settings = (
        SlidingWindowSettings.load(refit_of / "model.json") if refit_of else SlidingWindowSettings("", CLASS_NAMES)
    )
    labelled = select_labelled(data, data.train)
    validation = select_labelled(data, data.val) if data.val else []
    frames = load_frames(labelled, data.simulated, seed), load_frames(validation)
    train_networks(*frames, CLASS_NAMES, Recipe().each_with(seed, precision), output)
    if validation:
        settings = calibrate(output, settings, validation)
    training = {"command": shlex.join(["sonar-debris", *sys.argv[1:]]), "seed": seed, "precision": precision}
    settings = replace(settings, name=name or output.resolve().name, data=data.describe(), training=training)
    settings.save(output / "model.json")
    click.echo(f"trained on {len(labelled)} frames; try: sonar-debris detect FRAMES -o OUT --model {output}")


def claim(output: Path, data: TrainingData, **options) -> None:
    """Refuse a run folder that was begun with other options."""
    from sonar_debris.training.run_folder import claim_run_folder

    claim_run_folder(output, {**data.describe(), **options})


def choose_training_parts(split: str, test_fold: int, val_fold: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts to learn from and parts to validate on."""
    if split == "random":
        return ("train",), ("val",)
    if test_fold == val_fold:
        raise click.UsageError("--test-fold and --val-fold must differ")
    return tuple(fold for fold in parts_of("scene") if fold not in (str(test_fold), str(val_fold))), (str(val_fold),)


def parts_of(split: str) -> tuple[str, ...]:
    """All parts of a split."""
    return tuple("01234") if split == "scene" else ("train", "val", "test")


def select_labelled(data: TrainingData, parts: Sequence[str]) -> list:
    """List the labelled frames of some parts."""
    from sonar_debris.datasets.splits import select_frames
    from sonar_debris.datasets.watertank import read_watertank

    return select_frames(data.root, read_watertank(data.root), data.split, parts)


def load_frames(labelled: Sequence, simulated: int = 0, seed: int = 0) -> list[TrainingFrame]:
    """Read labelled frames into memory, and simulate some more."""
    with quiet_backend():
        from sonar_debris.datasets.training_frames import load_training_frames
    click.echo(f"reading {len(labelled)} frames, simulating {simulated}", err=True)
    return load_training_frames(labelled, simulated, seed)


def samplers(data: TrainingData, seed: int) -> tuple:
    """Samplers of training and of validation windows."""
    train_frames, val_frames = (
        load_frames(select_labelled(data, data.train), data.simulated, seed),
        load_frames(select_labelled(data, data.val)),
    )
    with quiet_backend():
        from sonar_debris.datasets.windows import WindowSampler
    return WindowSampler(train_frames), WindowSampler(val_frames, augmented=False)


def frame_samples(data: TrainingData, size: int, seed: int) -> tuple:
    """Class names, and functions that draw training and validation crops from whole frames."""
    from sonar_debris.datasets.watertank import CLASS_NAMES

    draw = [functools.partial(one.classification, size=size) for one in samplers(data, seed)]
    return CLASS_NAMES, *draw


def crop_samples(data: TrainingData, size: int, seed: int) -> tuple:
    """Class names, and functions that draw training and validation crops from the release's crops."""
    with quiet_backend():
        from sonar_debris.datasets.crop_sampler import CropSampler
    from sonar_debris.datasets.crops import crop_class_names, read_crops
    from sonar_debris.datasets.splits import select_crops

    crops = read_crops(data.root)
    # The random split of the crops has two parts only: without a validation part, nothing is validated on.
    parts = [part for part in (data.train, data.val) if part != ("val",)]
    chosen = [select_crops(data.root, crops, data.split, part) for part in parts]
    draw = [CropSampler(some, size, augmented=not number).classification for number, some in enumerate(chosen)]
    return crop_class_names(data.root), *(draw + [None])[:2]
