"""``sonar-debris survey suggest`` and ``survey learn``: choose frames to label, and teach a detector their place."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.inputs import print_failures
from sonar_debris.commands.survey.summary import print_table

if TYPE_CHECKING:
    from sonar_debris.survey.learning import LearningResult

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("-n", "--count", type=click.IntRange(min=1), default=30, show_default=True, help="Number of frames.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), metavar="FILE", help="Write the list as JSON, too."
)
def suggest(folder: Path, count: int, json_path: Path | None) -> None:
    """Choose the frames of a survey that are worth labelling: uncertain ones that are unlike each other.

    One line per frame, the most instructive first: its uncertainty, its file and its number.

    Three frames of each place are usually enough for `survey learn`. Frames that were reviewed completely are left out.

    \b
    Example:
      sonar-debris survey suggest night -n 30
    """
    from sonar_debris.files import atomic_text
    from sonar_debris.survey.store import open_survey
    from sonar_debris.survey.suggestion import suggest_frames

    failures = print_failures()
    with open_survey(folder) as store:
        frames = suggest_frames(store, count, failures.add_error)
    for frame in frames:
        click.echo(f"{frame.uncertainty:.2f}  {frame.file}  frame {frame.position}")
    if json_path:
        rows = [{"file": frame.file, "frame": frame.position, "uncertainty": frame.uncertainty} for frame in frames]
        with atomic_text(json_path) as stream:
            json.dump({"frames": rows}, stream, indent=1)
    sys.exit(1 if len(failures) else 0)


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="MODEL", help="Model folder to write."
)
@click.option("--images", type=FOLDER, metavar="FOLDER", help="More frames to learn, besides the reviewed ones.")
@click.option(
    "--labels",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="Labels of --images: COCO .json, Pascal VOC or YOLO folder.",
)
@click.option("--init", metavar="NAME|PATH", help="Model to start from.  [default: that of the survey]")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=3.0,
    show_default=True,
    help="Longest time of the training.",
)
def learn(
    folder: Path, output: Path, images: Path | None, labels: Path | None, init: str | None, minutes: float
) -> None:
    """Teach a detector the place of a survey, from the frames whose every detection was reviewed.

    The detector is fine-tuned on these frames and averaged with the model that it started from, so that it still knows
    what it knew before. Classes that the reviewer named are added. Then search again and keep every decision:

    \b
    Example:
      sonar-debris survey learn night -o night-model
      sonar-debris survey run dive-07/ --model night-model -o night-2 --decisions-from night
    """
    if (images is None) != (labels is None):
        raise click.UsageError("--images and --labels belong together")
    from sonar_debris.survey.learning import learn_survey

    result = learn_survey(
        folder,
        output,
        images=images,
        labels=labels,
        model=init,
        minutes=minutes,
        command=shlex.join(["sonar-debris", *sys.argv[1:]]),
    )
    _print_result(result)


def _print_result(result: LearningResult) -> None:
    new = f"; new classes: {', '.join(result.new_classes)}" if result.new_classes else ""
    click.echo(f"learnt {result.frames} frames with {result.boxes} labels{new}")
    if result.before and result.after:
        click.echo("on these frames, which is no test, as the model has learnt them:")
        rows = [
            (name, f"{metrics.map50:.3f}", f"{metrics.best.f1:.3f}")
            for name, metrics in (("before", result.before), ("after", result.after))
        ]
        print_table(("", "mAP@0.5", "best F1"), rows)
    click.echo(f"try: sonar-debris survey run INPUT... --model {result.folder} -o OUT --decisions-from DIR")
