"""``sonar-debris train thresholds``: what the scores of a recipe mean, from the models of its cross-validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from sonar_debris.commands.finding import find_in_parts
from sonar_debris.commands.selection import Selection, with_selection


@click.command()
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
    from sonar_debris.detection.settings import IDENTITY, SinglePassSettings
    from sonar_debris.training.thresholds import choose_thresholds

    path = output / "model.json"
    settings = SinglePassSettings.load(path)
    parts = find_in_parts(selection, models, "detect", calibrated=False)
    chosen = choose_thresholds(replace(settings, calibration=IDENTITY), parts)
    chosen.save(path)
    click.echo(f"{path}: detections count from a score of {chosen.min_score} on")
    if (error := chosen.figures.get("cross_fitted_calibration_error")) is not None:
        click.echo(f"calibration error of each fold, its scores mapped as suits the others: {error}")
