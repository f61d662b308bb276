"""``sonar-debris survey run``: process inputs and store the results in a survey's folder."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from sonar_debris.commands.inputs import InputOptions, exit_code, print_failures, with_input_options, with_model
from sonar_debris.commands.progress import STYLES, survey_progress
from sonar_debris.errors import SonarDebrisError, one_line

# The command prints at most this many failures; failures.csv has all.
MAX_PRINTED_FAILURES = 20


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
@click.option("--yes", is_flag=True, help="With --overwrite: remove the decisions made in review without asking.")
@click.option(
    "--decisions-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the decisions of this earlier survey of the same files, made with another model.",
)
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
    yes: bool,
    decisions_from: Path | None,
    input_options: InputOptions,
) -> None:
    """Process recordings, images and folders, and store detections and objects in DIR/survey.sqlite.

    The same command resumes an interrupted survey, and processes new inputs and files that failed or have changed.
    Ctrl-C stops after the current batch. DIR/failures.csv lists what could not be read.

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
        decisions_from=decisions_from,
    )
    if overwrite:
        _confirm_overwrite(output, yes)
    skipped = print_failures()
    with _stop_on_signal() as received, survey_progress(style) as progress:
        result = run_survey(
            inputs, output, config, on_error=skipped.add_error, progress=progress, stop=received.stop, notify=_note
        )
    if result.stopped:
        click.echo(f"stopped after {result.frames} frames; run the same command again to resume", err=True)
        sys.exit(128 + received.signal_number)
    _print_stored_failures(output, result.failures)
    click.echo(f"{result.frames} frames processed, {result.failures} failures, {result.objects} objects; see {output}")
    sys.exit(exit_code(result.frames, result.failures + len(skipped)))


def _note(message: str) -> None:
    click.echo(one_line(f"note: {message}"), err=True)


def _confirm_overwrite(folder: Path, yes: bool) -> None:
    """Ask before decisions are removed; end the command if there is no one to ask, or the answer is no."""
    from sonar_debris.survey.folder import count_decisions

    try:
        decisions = count_decisions(folder)
        what = f"{decisions} decisions made in review" if decisions else ""
    except SonarDebrisError as error:
        what = f"its decisions, which cannot be counted ({error})"
    if not what:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{folder}: --overwrite removes {what}; add --yes to do so")
        click.confirm(f"{folder}: remove {what}?", abort=True, err=True)
    _note(f"{folder}: --overwrite removes {what}")


def _print_stored_failures(folder: Path, count: int) -> None:
    """Print the failures of a survey, including those of earlier runs, as far as they are not too many."""
    from sonar_debris.survey.store import open_survey

    if not count:
        return
    with open_survey(folder) as store:
        failures = store.failures(MAX_PRINTED_FAILURES)
    log = print_failures()
    for failure in failures:
        log.add(failure.file, failure.reason if failure.frame is None else f"frame {failure.frame}: {failure.reason}")
    if count > len(failures):
        click.echo(f"error: and {count - len(failures)} more failures; see {folder / 'failures.csv'}", err=True)


@dataclass
class ReceivedSignal:
    """The signal that stops a run.

    Attributes:
        stop: set when the signal arrives.
        signal_number: its number.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    signal_number: int = signal.SIGINT


@contextmanager
def _stop_on_signal() -> Iterator[ReceivedSignal]:
    """Yield what Ctrl-C and SIGTERM set; a second signal ends the run at once."""
    received = ReceivedSignal()

    def stop(signal_number: int, stack_frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        received.signal_number = signal_number
        received.stop.set()
        with suppress(RuntimeError):  # the signal came while another line was being printed
            click.echo("stopping after this batch; press Ctrl-C again to stop at once", err=True)

    previous_handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
