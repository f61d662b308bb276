"""``sonar-debris survey run``: everything that inputs hold, into one database."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.inputs import (
    Failures,
    InputOptions,
    exit_code,
    load_detector,
    with_input_options,
    with_model,
)
from sonar_debris.commands.progress import STYLES, survey_progress

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.survey.inference import Inference, Reading


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The survey.")
@with_model
@click.option("--min-score", type=click.FloatRange(0, 1), help="Leave out lower scores.  [default: the model's]")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Frames at a time.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes of this machine that search.  [default: this]")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster whose workers search: tcp://host:8786.")
@click.option("--progress", "style", type=click.Choice(STYLES), default="bar", show_default=True)
@click.option("--overwrite", is_flag=True, help="Begin anew, whatever DIR holds of an earlier survey.")
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
    """Search recordings and images, and folders of them, and store what is found in DIR/survey.sqlite.

    The same command again does what is missing: what an interruption left, and inputs that are new. Ctrl-C stops after
    the current batch. DIR/failures.csv lists what could not be read.

    \b
    Example:
      sonar-debris survey run dive-07/ dive-08.aris -o night
    """
    if workers and scheduler:
        raise click.UsageError("--workers and --scheduler do not go together")
    from sonar_debris.detectors.model_folder import find_model
    from sonar_debris.files import check_outside, open_output_folder
    from sonar_debris.frames.loader import count_frames
    from sonar_debris.survey.store import write_failures

    with quiet_backend():
        from sonar_debris.survey.inference import Reading
        from sonar_debris.survey.manifest import check_manifest, describe_run
        from sonar_debris.survey.objects import find_objects
        from sonar_debris.survey.run import run_survey
    from sonar_debris.survey.run import find_sources
    from sonar_debris.survey.store import SurveyStore, remove_survey

    check_outside(output, inputs)
    missing = Failures()
    sources = find_sources(inputs, lambda error: missing.add(error.name, error.problem))
    if not sources:
        sys.exit(2)
    open_output_folder(output)
    detector = load_detector(model, min_score)
    if overwrite:
        remove_survey(output)
    manifest = describe_run(detector, find_model(model), _as_json(input_options))
    check_manifest(output, manifest, list(inputs))
    frames = input_options.wanted.frames
    total = sum(len(range(count_frames(source.path))[frames]) for source in sources)
    reading = Reading(batch_size, input_options.wanted, input_options.window)
    with SurveyStore(output) as store:
        with (
            _stop_on_interrupt() as stop,
            _searchers(detector, model, manifest["model_sha256"], reading, workers, scheduler) as search,
            survey_progress(style, total) as show,
        ):
            progress = run_survey(store, sources, total, search, show, stop)
        write_failures(store, output)
        objects = find_objects(store)
        click.echo(f"{progress.done} frames searched, {progress.failures} failures, {objects} objects; see {output}")
    if stop.is_set():
        click.echo("stopped; run the same command again to go on", err=True)
        sys.exit(130)
    sys.exit(exit_code(progress.done, progress.failures + len(missing.found)))


@contextmanager
def _searchers(
    detector: DebrisDetector, model: str, sha256: str, reading: Reading, workers: int | None, scheduler: str | None
) -> Iterator[Inference]:
    """What searches: this process, others of this machine, or a cluster."""
    from sonar_debris.survey.inference import local_inference
    from sonar_debris.survey.parallel import (
        WorkerConfig,
        cluster,
        local_processes,
        model_for_workers,
        parallel_inference,
    )

    if not workers and not scheduler:
        yield local_inference(detector, reading)
        return
    recipe = WorkerConfig(model_for_workers(model), sha256, detector.min_score, reading)
    if scheduler:
        with cluster(scheduler) as (executor, count):
            yield parallel_inference(executor, count, recipe)
    else:
        with local_processes(workers) as executor:
            yield parallel_inference(executor, workers, recipe)


def _as_json(options: InputOptions) -> dict:
    frames = options.wanted.frames
    return {
        "frames": [frames.start, frames.stop, frames.step],
        "topic": options.wanted.topic,
        "range_window": options.window and asdict(options.window),
    }


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("stopping after this batch; Ctrl-C again stops at once", err=True)
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
