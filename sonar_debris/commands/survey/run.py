"""``sonar-debris survey run``: process inputs and store the results in a survey's folder."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sonar_debris.commands.inputs import InputOptions, exit_code, print_failures, with_input_options, with_model
from sonar_debris.commands.progress import STYLES, survey_progress


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the survey; created if it does not exist.",
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
    default=8,
    show_default=True,
    help="Number of frames to process at the same time.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Number of worker processes on this machine.  [default: none]"
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers process the frames: tcp://host:8786."
)
@click.option(
    "--progress",
    "style",
    type=click.Choice(STYLES),
    default="bar",
    show_default=True,
    help="How to show progress on stderr; json prints one line per batch.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier survey in DIR instead of resuming it.")
@with_input_options
def run(
    inputs: tuple[str, ...],
    output: Path,
    model: str,
    min_score: float | None,
    batch_size: int,
    workers: int | None,
    scheduler: str | None,
    style: str,
    overwrite: bool,
    input_options: InputOptions,
) -> None:
    """Process recordings, images and folders, and store detections and objects in DIR/survey.sqlite.

    The same command resumes an interrupted survey and processes new inputs. Ctrl-C stops after the current batch.
    DIR/failures.csv lists what could not be read.

    \b
    Example:
      sonar-debris survey run dive-07/ dive-08.aris -o night
    """
    if workers and scheduler:
        raise click.UsageError("--workers and --scheduler exclude each other; give only one of them")
    from sonar_debris.survey.run import SurveyConfig, run_survey

    config = SurveyConfig(
        model=model,
        min_score=min_score,
        batch_size=batch_size,
        workers=workers,
        scheduler=scheduler,
        overwrite=overwrite,
        selection=input_options.selection,
        range_window=input_options.window,
    )
    skipped = print_failures()
    with _stop_on_interrupt() as stop, survey_progress(style) as progress:
        result = run_survey(inputs, output, config, on_error=skipped.add_error, progress=progress, stop=stop)
    click.echo(f"{result.frames} frames processed, {result.failures} failures, {result.objects} objects; see {output}")
    if result.stopped:
        click.echo("stopped; run the same command again to resume", err=True)
        sys.exit(130)
    sys.exit(exit_code(result.frames, result.failures + len(skipped)))


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets; a second Ctrl-C raises KeyboardInterrupt."""
    stop = threading.Event()

    def interrupt(signal_number: int, stack_frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("stopping after this batch; press Ctrl-C again to stop at once", err=True)
        stop.set()

    previous_handler = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous_handler)
