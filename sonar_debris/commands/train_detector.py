"""``sonar-debris train detector``: train the single-pass detector on the public release or on the user's own labels."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.data_options import TrainingOptions, with_output, with_training_config, with_training_options

if TYPE_CHECKING:
    from sonar_debris.detectors.single_pass.training import DetectorData
    from sonar_debris.training import TrainingConfig

# Fewer boxes than these give a note.
FEW_BOXES, FEW_VALIDATION_BOXES = 100, 30

EXISTING = click.Path(exists=True, path_type=Path)


@click.command()
@with_output
@with_training_options
@click.option("--images", type=EXISTING, metavar="FOLDER", help="Your own images, in place of the public release.")
@click.option("--labels", type=EXISTING, metavar="PATH", help="Their labels: COCO .json, Pascal VOC or YOLO folder.")
@click.option(
    "--without",
    multiple=True,
    metavar="CLASS",
    help="Leave out the frames of the release that show this class; repeat it for more classes.",
)
@click.option("--init", metavar="NAME|PATH", help="Start from the weights of this model.")
@click.option("--thresholds-of", metavar="NAME|PATH", help="Keep the calibration and the thresholds of this model.")
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=0,
    help="Stop after this number of epochs without a lower validation loss; 0 trains all epochs.",
)
@click.option("--again", is_flag=True, help="Repeat a training that is finished; its model is replaced.")
@click.option(
    "--more",
    "more_epochs",
    type=click.IntRange(min=1),
    metavar="EPOCHS",
    help="Add epochs to a training that is finished; give its other options as before.",
)
@click.option("--tensorboard", is_flag=True, help="Log for TensorBoard too.")
@click.option("--name", help="Name of the model.  [default: name of the folder]")
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
    again: bool,
    more_epochs: int | None,
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
    if again and more_epochs:
        raise click.UsageError("--again repeats a training, and --more continues it; give one of them")
    data = _user_data(images, labels, options) if images or labels else _public_data(options, without)
    with quiet_backend():
        from sonar_debris.detectors.model_folder import SETTINGS_FILE, SinglePassSettings
        from sonar_debris.detectors.single_pass.training import train_detector
        from sonar_debris.simulator import simulate_frames
    counts = f"{len(data.train)} frames, {len(data.val)} to validate on, {options.simulated} simulated"
    click.echo(f"training on {counts}", err=True)
    _note_little_data(data, init)
    train_detector(
        data,
        output,
        replace(config, weight_decay=0.05, patience=patience),
        init=init,
        thresholds_from=thresholds_of,
        name=name,
        command=shlex.join(["sonar-debris", *sys.argv[1:]]),
        simulated=simulate_frames(options.simulated, config.seed),
        tensorboard=tensorboard,
        again=again,
        more_epochs=more_epochs or 0,
    )
    click.echo(f"trained on {len(data.train)} frames; try: sonar-debris detect FRAMES -o OUT --model {output}")
    for figure_name, value in SinglePassSettings.load(output / SETTINGS_FILE).figures.items():
        click.echo(f"{figure_name.replace('_', ' ')}: {value}")


def _note_little_data(data: DetectorData, init: str | None) -> None:
    """Print a note if there is too little data for figures that mean much."""
    boxes, val_boxes = (sum(len(frame.xyxy) for frame in part) for part in (data.train, data.val))
    if boxes < FEW_BOXES and not init:
        click.echo(f"note: only {boxes} boxes to train on; rather start from a model with --init", err=True)
    if data.val and val_boxes < FEW_VALIDATION_BOXES:
        click.echo(f"note: only {val_boxes} boxes to validate on; the threshold chosen on them is uncertain", err=True)


def _user_data(images: Path | None, labels: Path | None, options: TrainingOptions) -> DetectorData:
    if not (images and labels):
        raise click.UsageError("--images and --labels belong together")
    from sonar_debris.datasets.release import CLASS_NAMES

    with quiet_backend():
        from sonar_debris.detectors.single_pass.training import user_data
    data = user_data(images, labels)
    if not options.simulated:
        return data
    if data.class_names != CLASS_NAMES:
        raise click.UsageError("--simulated needs labels of the public release's classes, which simulated frames show")
    return replace(data, description=data.description | {"simulated_frames": options.simulated})


def _public_data(options: TrainingOptions, without: Sequence[str]) -> DetectorData:
    from sonar_debris.datasets.release import CLASS_NAMES

    unknown = sorted(set(without) - set(CLASS_NAMES))
    if unknown:
        raise click.UsageError(f"--without: no class {', '.join(unknown)}; choose among {', '.join(CLASS_NAMES)}")
    if without and options.simulated:
        raise click.UsageError("--without goes with --simulated 0: simulated frames show every class")
    training_set = options.training_set()
    with quiet_backend():
        from sonar_debris.detectors.single_pass.training import public_data
    return public_data(training_set, without)
