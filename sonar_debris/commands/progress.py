"""The progress bar of commands that go through frames.

MERGED:
How a survey shows how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sonar_debris.survey.run import Progress


@contextmanager
def frame_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how many frames are done and the time left; only where stderr is a terminal.

    Args:
        total: how many frames there are.

    Yields:
        A function to be called with the number of frames done so far.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=total)
        yield lambda done: progress.update(task, completed=done)


STYLES = ("none", "bar", "json")


@contextmanager
def survey_progress(style: str, total: int) -> Iterator[Callable[[Progress], None]]:
    """A function that shows progress on stderr: as a bar where that is a terminal, as a line of JSON, or not at all."""
    if style == "bar":
        with _bar(total) as show:
            yield show
    else:
        yield _echo_json if style == "json" else lambda progress: None


@contextmanager
def _bar(total: int) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    facts = TextColumn("{task.fields[rate]:.1f}/s, {task.fields[objects]} detections, {task.fields[failures]} failures")
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), facts)
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("frames", total=total, rate=0.0, objects=0, failures=0)
        yield lambda now: bar.update(
            task, completed=now.done, rate=now.rate, objects=now.objects, failures=now.failures
        )


def _echo_json(progress: Progress) -> None:
    left = progress.seconds_left
    about = {
        "done": progress.done,
        "total": progress.total,
        "objects": progress.objects,
        "failures": progress.failures,
        "frames_per_second": round(progress.rate, 2),
        "seconds_left": left and round(left),
    }
    click.echo(json.dumps(about), err=True)
