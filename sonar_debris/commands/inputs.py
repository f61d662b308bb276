"""Opening what the user named, so that what cannot be read costs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from sonar_debris.commands.input_options import InputOptions
    from sonar_debris.frames import Frame


class Failures:
    """Names on stderr, one line each, the frames that could not be done, and remembers them.

    Attributes:
        found: name and reason of each.
    """

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, name: str, reason: str) -> None:
        """Report and remember a frame."""
        self.found.append((name, reason))
        click.echo(" ".join(f"error: {name}: {reason}".split()), err=True)


def open_inputs(paths: Sequence[str], failures: Failures, options: InputOptions) -> tuple[Iterator[Frame], int]:
    """Open files and folders one after the other.

    Args:
        paths: what the user named.
        failures: told of every path that cannot be opened and, later, of every frame that cannot be read.
        options: what of them is read.

    Returns:
        The frames of all, and how many there are to be read; 0 if no path could be opened.

    Raises:
        SonarDebrisError: they hold none of the frames that are wanted.
    """
    from sonar_debris.frames import FrameReadError, open_frames
    from sonar_debris.frames.opening import count_frames

    def report(error: FrameReadError) -> None:
        failures.add(error.name, error.problem)

    streams, total = [], 0
    for path in paths:
        try:
            streams.append(open_frames(path, report, options.wanted, options.window))
            total += len(range(count_frames(Path(path)))[options.wanted.frames])
        except FrameReadError as error:
            report(error)
    if not total and not failures.found:
        raise SonarDebrisError("--frames: the inputs have no such frames")
    return chain.from_iterable(streams), total


def exit_code(read: int, failed: int) -> int:
    """Give 0 for all done, 1 for some failed, 2 for nothing done."""
    if not read:
        return 2
    return 1 if failed else 0
