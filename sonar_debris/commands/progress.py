"""Show progress on stderr: a bar where stderr is a terminal, or lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sonar_debris.survey.run import Progress

STYLES = ("none", "bar", "json")


@contextmanager
def frame_progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with the number of frames done and the time left; nothing where stderr is not a terminal.

    Args:
        total: number of frames; None if it is not known.

    Yields:
        A function to be called with the number of frames done so far.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("frames", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def survey_progress(style: str) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of a survey.

    Args:
        style: ``bar``, ``json`` (one line per batch) or ``none``.

    Yields:
        The argument ``progress`` of `run_survey`.
    """
    if style == "bar":
        with _survey_bar() as show_progress:
            yield show_progress
    else:
        yield _print_json if style == "json" else lambda progress: None


@contextmanager
def _survey_bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    numbers = TextColumn(
        "{task.fields[rate]:.1f}/s, {task.fields[detections]} detections, {task.fields[failures]} failures"
    )
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), numbers)
    bar = Bar(*columns, console=console, disable=not console.is_terminal)
    task = bar.add_task("frames", total=None, rate=0.0, detections=0, failures=0)

    def show_progress(progress: Progress) -> None:
        bar.start()  # only now: the model is loaded and the number of frames is known
        bar.update(
            task,
            total=progress.total,
            completed=progress.done,
            rate=progress.rate,
            detections=progress.detections,
            failures=progress.failures,
        )

    try:
        yield show_progress
    finally:
        bar.stop()


def _print_json(progress: Progress) -> None:
    if not progress.seconds:
        return  # before the first batch
    left = progress.seconds_left
    line = {
        "done": progress.done,
        "total": progress.total,
        "detections": progress.detections,
        "failures": progress.failures,
        "frames_per_second": round(progress.rate, 2),
        "seconds_left": None if left is None else round(left),
    }
    click.echo(json.dumps(line), err=True)
