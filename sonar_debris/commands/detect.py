"""``sonar-debris detect``: find and name debris in frames."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.inputs import (
    InputOptions,
    exit_code,
    load_detector,
    open_inputs,
    print_failures,
    with_input_options,
    with_model,
)
from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.detectors.batch_detection import DetectionSummary


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Folder for the results; created if it does not exist.",
)
@with_model
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    help="Lowest score of a detection, 0 to 1.  [default: the model's threshold]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Number of frames to process at the same time.",
)
@click.option("--no-images", is_flag=True, help="Do not write annotated pictures.")
@with_input_options
def detect(
    inputs: tuple[str, ...],
    output: Path,
    model: str,
    min_score: float | None,
    batch_size: int,
    no_images: bool,
    input_options: InputOptions,
) -> None:
    """Find and name debris in sonar frames.

    INPUT is a recording (ARIS, Gemini, ROS bag, video), an image or a stack of images (PNG, JPEG, TIFF, BMP, PGM, NPY,
    NPZ), or a folder, which is searched with its subfolders. The results are written to OUT: detections.coco.json,
    detections.csv and one annotated picture per frame in annotated/.

    \b
    Example:
      sonar-debris detect dive-07.aris extra/ping-12.png -o dive-07-detections --min-score 0.4
      sonar-debris detect dive-07.mp4 -o dive-07-detections --frames 100-500:5 --range-max 10
    """
    from sonar_debris.detectors.batch_detection import detect_to_folder
    from sonar_debris.files import check_outside

    check_outside(output, inputs)
    failures = print_failures()
    frames, total = open_inputs(inputs, failures, input_options)
    if total == 0:
        sys.exit(2)
    detector = load_detector(model, min_score)
    with frame_progress(total) as progress:
        summary = detect_to_folder(detector, frames, output, batch_size, not no_images, failures, progress)
    click.echo(format_summary(summary))
    sys.exit(exit_code(summary.frames, summary.failed))


def format_summary(summary: DetectionSummary) -> str:
    """Return one line: frames read and failed, detections by class, and where the results are."""
    total = summary.counts.total()
    classes = ", ".join(f"{name} {count}" for name, count in summary.counts.most_common())
    frames = "1 frame" if summary.frames == 1 else f"{summary.frames} frames"
    detections = "1 detection" if total == 1 else f"{total} detections"
    by_class = f" ({classes})" if classes else ""
    return f"{frames} read, {summary.failed} failed, {detections}{by_class}; see {summary.folder}"
