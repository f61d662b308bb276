"""``sonar-debris train``: train networks, or choose the thresholds of a trained model."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.classifiers import CLASSIFIER_NAMES
from sonar_debris.commands.data_options import (
    with_output,
    with_seed_and_precision,
    with_selection,
    with_training_config,
    with_training_set,
)
from sonar_debris.commands.inputs import load_detector
from sonar_debris.commands.progress import frame_progress
from sonar_debris.commands.train_detector import detector

if TYPE_CHECKING:
    from sonar_debris.datasets.training_set import Selection, TrainingSet
    from sonar_debris.training import TrainingConfig

log = partial(click.echo, err=True)


@click.group()
def train() -> None:
    """Train networks on labelled frames. If a training is interrupted, run its command again to resume it.

    \b
    Example:
      sonar-debris train pipeline --data marine-debris-fls -o my-model
    """


train.add_command(detector)


@train.command()
@with_output
@with_training_set
@with_training_config(epochs=18, steps=250)
def objectness(output: Path, training_set: TrainingSet, config: TrainingConfig) -> None:
    """Train the objectness network on 96×96 windows and their IoU with labelled boxes.

    \b
    Example:
      sonar-debris train objectness --data marine-debris-fls -o runs/objectness
    """
    from sonar_debris.detectors.sliding_window.training import train_objectness, window_samplers
    from sonar_debris.files import check_resume

    check_resume(output, {**training_set.describe(), "schedule": asdict(config)})
    sampler, val_sampler = window_samplers(training_set, config.seed, log)
    train_objectness(sampler, val_sampler, config, output)
    parts = f"{len(training_set.train)} parts of the {training_set.split} split"
    click.echo(f"trained on {parts}; see {output / 'objectness.keras'}")


@train.command()
@with_output
@with_training_set
@click.option("--network", type=click.Choice(CLASSIFIER_NAMES), default="residual", show_default=True)
@click.option(
    "--source",
    type=click.Choice(["frames", "crops"]),
    default="frames",
    show_default=True,
    help="Crops of the labelled boxes in whole frames (11 classes), or the release's own crops (10 classes).",
)
@click.option("--size", type=click.IntRange(min=16), default=64, show_default=True, help="Side of the crops, pixels.")
@with_training_config(epochs=14, steps=200)
def classifier(
    output: Path, training_set: TrainingSet, network: str, source: str, size: int, config: TrainingConfig
) -> None:
    """Train a crop classifier.

    \b
    Example:
      sonar-debris train classifier --data marine-debris-fls --network cnn-batchnorm --source crops -o runs/cnn
    """
    from sonar_debris.classifiers.training import crop_samplers, train_classifier
    from sonar_debris.datasets.release import CLASS_NAMES
    from sonar_debris.detectors.sliding_window.training import window_samplers
    from sonar_debris.files import check_resume

    if source == "crops":
        class_names, crops, val_crops = crop_samplers(training_set, size)
        sample, validation = crops.classification, val_crops.classification if val_crops else None
    else:
        class_names = CLASS_NAMES
        windows, val_windows = window_samplers(training_set, config.seed, log)
        sample = partial(windows.classification, size=size)
        validation = partial(val_windows.classification, size=size) if val_windows else None
    data = training_set.describe()
    check_resume(output, {**data, "network": network, "source": source, "size": size, "schedule": asdict(config)})
    train_classifier(network, class_names, sample, validation, config, output, size, {"data": data})
    click.echo(f"trained on {source} of the {training_set.split} split; see {output / 'classifier.keras'}")


@train.command()
@with_output
@with_training_set
@with_seed_and_precision
@click.option("--name", help="Name of the model.  [default: name of the folder]")
@click.option(
    "--refit-of",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="MODEL",
    help="Keep the settings of this model, chosen on its validation frames, and train on those frames too.",
)
def pipeline(
    output: Path, training_set: TrainingSet, seed: int, precision: str, name: str | None, refit_of: Path | None
) -> None:
    """Train objectness, box refiner and classifier, choose the thresholds, and write a model folder for detect.

    \b
    Example:
      sonar-debris train pipeline --data marine-debris-fls -o my-model
    """
    from sonar_debris.detectors.model_folder import SETTINGS_FILE, SlidingWindowSettings

    with quiet_backend():
        from sonar_debris.detectors.sliding_window.training import train_pipeline
    settings = None
    if refit_of:
        training_set = training_set.merge_validation()
        settings = SlidingWindowSettings.load(refit_of / SETTINGS_FILE)
    command = shlex.join(["sonar-debris", *sys.argv[1:]])
    with _bar_per_stage() as progress:
        train_pipeline(
            training_set,
            output,
            seed=seed,
            precision=precision,
            settings=settings,
            name=name,
            command=command,
            log=log,
            progress=progress,
        )
    count = len(training_set.labelled_frames(training_set.train))
    click.echo(f"trained on {count} frames; try: sonar-debris detect FRAMES -o OUT --model {output}")


@train.command()
@with_selection
@click.option(
    "--model", "models", multiple=True, required=True, metavar="PATH", help="A model of the cross-validation; repeat."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="MODEL",
    help="The model that gets the thresholds, trained with the same options as the others.",
)
def thresholds(selection: Selection, models: tuple[str, ...], output: Path) -> None:
    """Calibrate a model's scores and choose its threshold by cross-validation.

    The other models were trained with the same options, each without one fold. Their detections in the frames of that
    fold are what the scores are calibrated on.

    \b
    Example:
      sonar-debris train thresholds --fold 0 --fold 1 --model cv/0 --model cv/1 -o my-model
    """
    from sonar_debris.detectors.model_folder import SETTINGS_FILE, SinglePassSettings
    from sonar_debris.detectors.thresholds import choose_thresholds
    from sonar_debris.evaluation.calibration import IDENTITY
    from sonar_debris.evaluation.cross_validation import assign_frames, run_detectors, uncalibrated

    path = output / SETTINGS_FILE
    settings = SinglePassSettings.load(path)
    detectors = [uncalibrated(load_detector(model, min_score=0.0)) for model in models]
    parts = assign_frames(detectors, selection)
    with _bar_per_stage() as progress:
        results = run_detectors(parts, lambda detector: detector.detect, progress)
    pairs = [(part.frames, detections) for part, detections in zip(parts, results, strict=True)]
    chosen = choose_thresholds(replace(settings, calibration=IDENTITY), pairs)
    chosen.save(path)
    click.echo(f"{path}: scores calibrated, score threshold {chosen.min_score}")
    if (error := chosen.figures.get("cross_fitted_calibration_error")) is not None:
        click.echo(f"calibration error of each fold, calibrated on the other folds: {error}")


@contextmanager
def _bar_per_stage() -> Iterator[Callable[[int, int], None]]:
    """Yield a progress callback for a function of several stages: it shows one bar per stage."""
    with ExitStack() as stack:
        show_done: Callable[[int], None] | None = None

        def progress(done: int, total: int) -> None:
            nonlocal show_done
            if show_done is None:
                show_done = stack.enter_context(frame_progress(total))
            show_done(done)
            if done == total:
                stack.close()
                show_done = None

        yield progress
