"""The options that say what of the inputs is read, and how plain images are to be understood.

MERGED:
Opening what the user named, so that what cannot be read costs nothing else.
---
Loading the detector that a verb was asked to use.
---
The option that chooses a detector.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.main import one_line
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.frames import Frame
    from sonar_debris.frames.fan_outline import RangeWindow
    from sonar_debris.frames.frame_selection import FrameSelection

METRES = click.FloatRange(0, min_open=True)


class FrameRange(click.ParamType):
    """``7``, ``100-500``, ``100-``, ``-500``, each with an optional step ``:5``; both ends are meant."""

    name = "FROM-TO:STEP"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> slice:
        """Read a range of frames."""
        if isinstance(value, slice):
            return value
        match = re.fullmatch(r"(?:(\d+)|(\d*)-(\d*))(?::(\d+))?", str(value), re.ASCII)
        if not match or not any(match.groups()):
            self.fail(f"{value!r} is no range of frames such as 7, 100-500 or 100-500:5", param, ctx)
        single, first, last, step = (int(number) if number else None for number in match.groups())
        if step == 0:
            self.fail("the step must be 1 or more", param, ctx)
        if single is not None:
            return slice(single, single + 1, step)
        return slice(first, None if last is None else last + 1, step)


@dataclass(frozen=True)
class InputOptions:
    """How inputs are opened: the arguments of `open_frames`.

    Attributes:
        wanted: what of them is read.
        window: the fan of frames that do not tell it, if the user does.
    """

    wanted: FrameSelection
    window: RangeWindow | None


def with_input_options(command: Callable) -> Callable:
    """Give a command the options --frames, --topic, --range-min, --range-max and --fov, as one argument."""

    @click.option("--frames", type=FrameRange(), default=slice(None), help="Only these, of each input: 100-500:5.")
    @click.option("--topic", metavar="NAME", help="Of ROS bags in which several topics show frames.")
    @click.option("--range-max", type=METRES, help="Farthest range of plain images, in metres.")
    @click.option("--range-min", type=click.FloatRange(0), help="Nearest range; goes with --fov.")
    @click.option("--fov", type=click.FloatRange(0, 180, True, True), help="Field of view in degrees.  [default: seen]")
    @functools.wraps(command)
    def run(frames, topic, range_max, range_min, fov, **others):
        from sonar_debris.frames.fan_outline import RangeWindow
        from sonar_debris.frames.frame_selection import FrameSelection

        if range_max is None and (range_min, fov) != (None, None):
            raise click.UsageError("--range-min and --fov go with --range-max")
        if range_min is not None and fov is None:
            raise click.UsageError("--range-min goes with --fov")
        if range_max is not None and not (range_min or 0) < range_max < math.inf:
            raise click.UsageError("--range-max must be more than --range-min, and finite")
        if fov is not None and math.isnan(fov):
            raise click.UsageError("--fov must be a number")
        window = None if range_max is None else RangeWindow(range_max, range_min or 0.0, fov)
        return command(input_options=InputOptions(FrameSelection(frames, topic), window), **others)

    return run


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
    from sonar_debris.frames.loader import count_frames

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


def load_detector(model: str, min_score: float | None) -> DebrisDetector:
    """Load a detector, whose every failure to load is one line.

    Args:
        model: name of a shipped model, or the folder of another.
        min_score: lower scores are left out; None for the model's own threshold.

    Raises:
        SonarDebrisError: there is no such model, or it is damaged.
    """
    with quiet_backend():
        from sonar_debris.detectors.base import DebrisDetector
    try:
        return DebrisDetector.from_pretrained(model, min_score=min_score)
    except SonarDebrisError:
        raise
    except Exception as error:  # a damaged file leads the readers of weights to errors of any type
        raise SonarDebrisError(
            f"{model}: the model cannot be loaded ({one_line(error)}); is its folder whole?"
        ) from error


with_model = click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH", help="A shipped model or a folder."
)
