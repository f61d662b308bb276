"""``sonar-debris train``: the networks of the pipeline, one by one or all together."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.train_detector import detector
from sonar_debris.commands.train_thresholds import thresholds
from sonar_debris.commands.training_inputs import crop_samples, frame_samples, load_frames, samplers, select_labelled
from sonar_debris.commands.training_options import (
    TrainingData,
    claim,
    with_data,
    with_numbers,
    with_output,
    with_schedule,
)
from sonar_debris.quiet import quiet_backend

if TYPE_CHECKING:
    from sonar_debris.training.fit import Schedule

CLASSIFIERS = (
    "residual",
    "cnn-batchnorm",
    "cnn-dropout",
    *(f"mlp-{r}-{a}" for r in ("batchnorm", "dropout") for a in ("sigmoid", "tanh", "relu")),
)


@click.group()
def train() -> None:
    """Train the networks on labelled frames. Run a command again to go on where it was interrupted.

    \b
    Example:
      sonar-debris train pipeline --data marine-debris-fls -o my-model
    """


train.add_command(detector)
train.add_command(thresholds)


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
