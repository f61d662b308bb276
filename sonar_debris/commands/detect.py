"""``sonar-debris detect``: frames in, named boxes out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris import __version__
from sonar_debris.commands.inputs import (
    Failures,
    InputOptions,
    exit_code,
    load_detector,
    open_inputs,
    with_input_options,
    with_model,
)
from sonar_debris.commands.main import one_line
from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.detections import Detections
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.frames import Frame
    from sonar_debris.outputs.results import ResultFolder


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Results go here.")
@with_model
@click.option("--min-score", type=click.FloatRange(0, 1), help="Leave out lower scores.  [default: the model's]")
@click.option("--batch-size", type=click.IntRange(min=1), default=4, show_default=True, help="Frames at a time.")
@click.option("--no-images", is_flag=True, help="Draw no annotated pictures.")
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

    INPUT is a recording (ARIS, ROS bag, video), an image or a stack of images (PNG, JPEG, TIFF, BMP, PGM, NPY, NPZ),
    or a folder, which is searched with its subfolders. OUT receives detections.coco.json, detections.csv and, for each
    frame, a picture in annotated/.

    \b
    Example:
      sonar-debris detect dive-07.aris extra/ping-12.png -o dive-07-found --min-score 0.4
      sonar-debris detect dive-07.mp4 -o dive-07-found --frames 100-500:5 --range-max 10
    """
    from sonar_debris.files import check_outside, open_output_folder
    from sonar_debris.outputs.results import ResultFolder

    check_outside(output, inputs)
    failures, undrawn = Failures(), Failures()
    frames, total = open_inputs(inputs, failures, input_options)
    if not total:
        sys.exit(2)
    open_output_folder(output)
    detector = load_detector(model, min_score)
    info = {"version": __version__, "model": detector.name, "min_score": float(detector.min_score)}
    results = ResultFolder(output, detector.class_names, info, pictures=not no_images)
    with frame_progress(total + len(failures.found)) as show_done:
        for batch in batches(frames, batch_size):
            for frame, detections in detect_batch(detector, batch, failures):
                add_result(results, frame, detections, undrawn)
            show_done(results.frames + len(failures.found))
    results.write(failures.found)
    failed = len(failures.found) + len(undrawn.found)
    click.echo(summary(results, failed))
    sys.exit(exit_code(results.frames, failed))


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Gather frames by ``size``; the last batch may be smaller."""
    while batch := list(islice(frames, size)):
        yield batch


def detect_batch(
    detector: DebrisDetector, frames: Sequence[Frame], failures: Failures
) -> Iterable[tuple[Frame, Detections]]:
    """Detect in a batch of frames, of which an odd one must not cost the others.

    Args:
        detector: what detects.
        frames: the batch.
        failures: told of every frame that the detector stumbles over.

    Returns:
        The other frames, each with its detections.
    """
    from sonar_debris.detectors.base import detect_isolating_failures

    found = list(zip(frames, detect_isolating_failures(detector, frames), strict=True))
    for frame, each in found:
        if isinstance(each, Exception):
            failures.add(frame.name, f"detection failed ({one_line(each)})")
    return [(frame, each) for frame, each in found if not isinstance(each, Exception)]


def add_result(results: ResultFolder, frame: Frame, detections: Detections, undrawn: Failures) -> None:
    """Add what was found in a frame, which stays when the frame's picture cannot be written.

    Args:
        results: what it is added to.
        frame: the frame.
        detections: what was found in it.
        undrawn: told of the frame if it has no picture.
    """
    try:
        results.add(frame, detections)
    except OSError as error:
        undrawn.add(frame.name, f"picture not written ({one_line(error)})")


def summary(results: ResultFolder, failed: int) -> str:
    """Say in one line what was read, what failed, what was found and where it is."""
    classes = ", ".join(f"{name} {count}" for name, count in results.found.most_common())
    frames = "1 frame" if results.frames == 1 else f"{results.frames} frames"
    objects = "1 object" if results.found.total() == 1 else f"{results.found.total()} objects"
    found = f"{objects} found ({classes})" if classes else f"{objects} found"
    return f"{frames} read, {failed} failed, {found}; see {results.folder}"
