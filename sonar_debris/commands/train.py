"""``sonar-debris train``: the networks of the pipeline, one by one or all together.

MERGED:
``sonar-debris train thresholds``: what the scores of a recipe mean, from the models of its cross-validation.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.cross_validation import find_in_parts
from sonar_debris.commands.data_options import (
    Selection,
    TrainingData,
    claim,
    with_data,
    with_output,
    with_schedule,
    with_seed_and_precision,
    with_selection,
)
from sonar_debris.commands.train_detector import detector
from sonar_debris.commands.training_inputs import crop_samples, frame_samples, load_frames, samplers, select_labelled

if TYPE_CHECKING:
    from sonar_debris.training import TrainingConfig

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


@train.command()
@with_output
@with_data
@with_schedule(epochs=18, steps=250)
def objectness(output: Path, data: TrainingData, schedule: TrainingConfig) -> None:
    """Train the objectness network on 96×96 windows and their IoU with labelled boxes.

    \b
    Example:
      sonar-debris train objectness --data marine-debris-fls -o runs/objectness
    """
    from sonar_debris.detectors.sliding_window.training import train_objectness

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
def classifier(
    output: Path, data: TrainingData, network: str, source: str, size: int, schedule: TrainingConfig
) -> None:
    """Train a crop classifier.

    \b
    Example:
      sonar-debris train classifier --data marine-debris-fls --network cnn-batchnorm --source crops -o runs/cnn
    """
    from sonar_debris.classifiers.training import train_classifier

    names, *draw = (crop_samples if source == "crops" else frame_samples)(data, size, schedule.seed)
    claim(output, data, network=network, source=source, size=size, schedule=asdict(schedule))
    train_classifier(network, names, *draw, schedule, output, size, about={"data": data.describe()})
    click.echo(f"trained on {source} of the {data.split} split; see {output / 'classifier.keras'}")


@train.command()
@with_output
@with_data
@with_seed_and_precision
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
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.detectors.model_folder import SlidingWindowSettings

    with quiet_backend():
        from sonar_debris.detectors.sliding_window.training import PipelineSchedules, calibrate, train_networks
    if refit_of:
        data = replace(data, train=(*data.train, *data.val), val=())
    claim(output, data, seed=seed, precision=precision)
    settings = (
        SlidingWindowSettings.load(refit_of / "model.json") if refit_of else SlidingWindowSettings("", CLASS_NAMES)
    )
    labelled = select_labelled(data, data.train)
    validation = select_labelled(data, data.val) if data.val else []
    frames = load_frames(labelled, data.simulated, seed), load_frames(validation)
    train_networks(*frames, CLASS_NAMES, PipelineSchedules().each_with(seed, precision), output)
    if validation:
        settings = calibrate(output, settings, validation)
    training = {"command": shlex.join(["sonar-debris", *sys.argv[1:]]), "seed": seed, "precision": precision}
    settings = replace(settings, name=name or output.resolve().name, data=data.describe(), training=training)
    settings.save(output / "model.json")
    click.echo(f"trained on {len(labelled)} frames; try: sonar-debris detect FRAMES -o OUT --model {output}")


@train.command()
@with_selection
@click.option("--model", "models", multiple=True, required=True, metavar="PATH", help="One of the cross-validation.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="MODEL",
    help="The model, trained by the same recipe, that gets the thresholds.",
)
def thresholds(selection: Selection, models: tuple[str, ...], output: Path) -> None:
    """Calibrate a model's scores, and choose its threshold, on frames that models of the same recipe never saw.

    \b
    Example:
      sonar-debris train thresholds --fold 0 --fold 1 --model cv/0 --model cv/1 -o my-model
    """
    from sonar_debris.detectors.model_folder import IDENTITY, SinglePassSettings
    from sonar_debris.detectors.thresholds import choose_thresholds

    path = output / "model.json"
    settings = SinglePassSettings.load(path)
    parts = find_in_parts(selection, models, "detect", calibrated=False)
    chosen = choose_thresholds(replace(settings, calibration=IDENTITY), parts)
    chosen.save(path)
    click.echo(f"{path}: detections count from a score of {chosen.min_score} on")
    if (error := chosen.figures.get("cross_fitted_calibration_error")) is not None:
        click.echo(f"calibration error of each fold, its scores mapped as suits the others: {error}")
