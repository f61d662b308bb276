"""``sonar-debris explain``: why a detector reports an object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.data_options import DATA_VARIABLE, EXISTING, find_data, with_data
from sonar_debris.commands.inputs import (
    InputOptions,
    load_detector,
    open_inputs,
    print_failures,
    with_input_options,
    with_model,
)
from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.detections import Detections


@click.command()
@click.argument("frame", metavar="FRAME")
@click.option(
    "--object",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which detection of the frame; 1 has the highest score.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.png",
    help="Picture to write.",
)
@with_model
@click.option("--min-score", type=click.FloatRange(0, 1), help="Lowest score.  [default: the model's threshold]")
@with_data
@click.option("--images", type=EXISTING, metavar="FOLDER", help="Your own labelled images, in place of the release.")
@click.option("--labels", type=EXISTING, metavar="PATH", help="Their labels: COCO .json, Pascal VOC or YOLO folder.")
@with_input_options
def explain(
    frame: str,
    number: int,
    output: Path,
    model: str,
    min_score: float | None,
    root: Path | None,
    images: Path | None,
    labels: Path | None,
    input_options: InputOptions,
) -> None:
    """Show why the detector reports an object in a frame.

    Parts of the frame are covered one by one: where the score falls, the detector looks (occlusion). The gradients of
    the score say the same pixel by pixel. A detector that learnt the object, not its background, looks into the box.
    With labelled frames the picture also shows the labelled objects that the detector takes for the most similar.
    FRAME is an image, or a recording with --frames NUMBER.

    \b
    Example:
      sonar-debris explain data/sample/frame-0003.png --object 2 -o why.png
    """
    from sonar_debris.detectors.single_pass.explanation import write_explanation
    from sonar_debris.errors import SonarDebrisError

    if bool(images) != bool(labels):
        raise click.UsageError("--images and --labels belong together")
    failures = print_failures()
    frames, _ = open_inputs([frame], failures, input_options)
    opened = next(iter(frames), None)
    if opened is None:
        raise SonarDebrisError(f"{frame}: no frame can be read")
    detector = load_detector(model, min_score)
    detections = detector.detect(opened)
    detections = detections[~detections.alternative]
    if number > len(detections):
        raise SonarDebrisError(f"{frame}: no object {number}; {describe_detections(detections)}")
    labelled, class_names = labelled_frames(root, images, labels)
    with frame_progress(None) as show_done:
        explanation = write_explanation(
            output,
            detector,
            opened,
            detections.xyxy[number - 1],
            detections.names[number - 1],
            labelled,
            class_names,
            progress=lambda done, total: show_done(done),
        )
    click.echo(describe_detections(detections))
    click.echo(
        f"{explanation.class_name}: the box, {explanation.box_share:.0%} of the examined part of the frame, has "
        f"{explanation.occlusion_in_box:.0%} of the effect of occlusion and {explanation.gradient_in_box:.0%} of the "
        "gradients"
    )
    for crop in explanation.nearest:
        click.echo(f"  similar: {crop.class_name} in {crop.name} ({crop.similarity:.2f})")
    click.echo(f"picture in {output}")


def describe_detections(detections: Detections) -> str:
    """Return the detections of a frame in one line, numbered from 1."""
    items = [
        f"{number} {name} {score:.2f}"
        for number, (name, score) in enumerate(zip(detections.names, detections.score, strict=True), start=1)
    ]
    return f"the frame has the objects {', '.join(items)}" if items else "the frame has no objects above the threshold"


def labelled_frames(
    root: Path | None, images: Path | None, labels: Path | None
) -> tuple[list[LabelledFrame], tuple[str, ...]]:
    """Return the frames to search for similar objects.

    Args:
        root: folder of the public release; by default the one that the environment names, if it names one.
        images: a folder of one's own images, in place of the release.
        labels: their labels.

    Returns:
        The labelled frames, and their class names; none if no data are given.
    """
    from sonar_debris.datasets.labels import read_labels
    from sonar_debris.datasets.release import CLASS_NAMES, read_watertank

    if images and labels:
        return read_labels(images, labels)
    if root or os.environ.get(DATA_VARIABLE):
        return read_watertank(find_data(root)), CLASS_NAMES
    return [], ()
