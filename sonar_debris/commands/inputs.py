"""Open inputs: the options that select frames and describe plain images, and the option that chooses a model.

Inputs that cannot be read are reported and skipped.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.errors import FailureLog, SonarDebrisError, one_line, printable_name

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.frames import Frame
    from sonar_debris.frames.frame import FrameSelection
    from sonar_debris.frames.range_window import RangeWindow

METRES = click.FloatRange(0, min_open=True)


class FrameRange(click.ParamType):
    """Parse ``7``, ``100-500``, ``100-`` or ``-500``, each with an optional step ``:5``; both ends are included."""

    name = "FROM-TO:STEP"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> slice:
        """Return the frame numbers as a slice.

        Args:
            value: what the user wrote.
            param: the option.
            ctx: the context of the call.

        Returns:
            A slice of frame numbers, which count from 0.

        Raises:
            click.BadParameter: the value is not a range of frames.
        """
        if isinstance(value, slice):
            return value
        match = re.fullmatch(r"(?:(\d+)|(\d*)-(\d*))(?::(\d+))?", str(value), re.ASCII)
        if not match or not any(match.groups()):
            self.fail(f"{value!r} is not a range of frames such as 7, 100-500 or 100-500:5", param, ctx)
        single, first, last, step = (int(number) if number else None for number in match.groups())
        if step == 0:
            self.fail("the step must be 1 or more", param, ctx)
        if single is not None:
            return slice(single, single + 1, step)
        return slice(first, None if last is None else last + 1, step)


class NumberList(click.ParamType):
    """Parse numbers with commas between them, such as ``320,612.5``.

    Args:
        names: name of each number, in capitals.
        integers: whether the numbers are integers of 0 or more.
    """

    def __init__(self, names: str, integers: bool = False):
        self.name = names
        self._integers = integers

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers.

        Args:
            value: what the user wrote.
            param: the option.
            ctx: the context of the call.

        Returns:
            As many numbers as there are names.

        Raises:
            click.BadParameter: the value has other parts.
        """
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        try:
            numbers = tuple(int(part) if self._integers else float(part) for part in parts)
        except ValueError:
            numbers = ()
        is_valid = all(map(math.isfinite, numbers)) and (not self._integers or min(numbers, default=-1) >= 0)
        if len(numbers) != self.name.count(",") + 1 or not is_valid:
            kind = "integers of 0 or more" if self._integers else "numbers"
            self.fail(f"{value!r} is not {self.name}: {kind} with commas between them", param, ctx)
        return numbers


@dataclass(frozen=True)
class InputOptions:
    """How inputs are opened: arguments of `open_frames`.

    Attributes:
        selection: which frames of each input are read, whether they are mirrored, and the offset of their heading.
        window: the fan of plain images; None if the user gave no range.
    """

    selection: FrameSelection
    window: RangeWindow | None


with_topic_option = click.option(
    "--topic", metavar="NAME", help="Topic to read of a ROS bag that has several topics with frames."
)
with_mirror_option = click.option(
    "--mirror",
    is_flag=True,
    help="Mirror left and right: reverse the bearings. For recordings that show starboard on the left.",
)


def _check_number(ctx: click.Context, param: click.Parameter, value: float) -> float:
    """Refuse NaN, which `click.FloatRange` accepts."""
    if math.isnan(value):
        raise click.BadParameter("it must be a number", ctx, param)
    return value


with_heading_option = click.option(
    "--heading-offset",
    type=click.FloatRange(-360, 360),
    default=0.0,
    callback=_check_number,
    metavar="DEGREES",
    help="Added to headings, clockwise: the magnetic declination, or the angle from the compass to the sonar's axis.",
)


def with_input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that select frames and describe plain images; they reach the command as ``input_options``."""

    @click.option(
        "--frames", type=FrameRange(), default=slice(None), help="Frames to read of each input, such as 100-500:5."
    )
    @with_topic_option
    @with_mirror_option
    @with_heading_option
    @click.option("--range-max", type=METRES, help="Plain images: range of the farthest sample, in metres.")
    @click.option(
        "--range-min",
        type=click.FloatRange(0),
        help="Plain images: range of the nearest sample, in metres. Needs --fov.  [default: 0]",
    )
    @click.option(
        "--fov",
        type=click.FloatRange(0, 180, True, True),
        help="Plain images: field of view, in degrees.  [default: measured on the images]",
    )
    @click.option(
        "--apex",
        type=NumberList("X,Y"),
        help="Plain images: position of the sonar, in pixels from the upper left corner; usually below the frame.",
    )
    @click.option(
        "--crop",
        type=NumberList("LEFT,TOP,RIGHT,BOTTOM", integers=True),
        help="Plain images: part of the frame that shows the fan, in pixels, without margins and text.",
    )
    @functools.wraps(command)
    def run(
        frames: slice,
        topic: str | None,
        mirror: bool,
        heading_offset: float,
        range_max: float | None,
        range_min: float | None,
        fov: float | None,
        apex: tuple[float, float] | None,
        crop: tuple[int, int, int, int] | None,
        **other_options: Any,
    ) -> Any:
        from sonar_debris.frames.frame import FrameSelection

        window = _range_window(range_max, range_min, fov, apex, crop)
        selection = FrameSelection(frames, topic, mirror, heading_offset)
        return command(input_options=InputOptions(selection, window), **other_options)

    return run


def _range_window(
    range_max: float | None,
    range_min: float | None,
    fov: float | None,
    apex: tuple[float, float] | None,
    crop: tuple[int, int, int, int] | None,
) -> RangeWindow | None:
    from sonar_debris.frames.range_window import RangeWindow

    given = {"--range-min": range_min, "--fov": fov, "--apex": apex, "--crop": crop}
    needy = [option for option, value in given.items() if value is not None]
    if range_max is None and needy:
        raise click.UsageError(f"{' and '.join(needy)} need{'s' if len(needy) == 1 else ''} --range-max")
    if range_min is not None and fov is None:
        raise click.UsageError("--range-min needs --fov")
    if range_max is not None and not (range_min or 0) < range_max < math.inf:
        raise click.UsageError("--range-max must be greater than --range-min, and finite")
    if fov is not None and math.isnan(fov):
        raise click.UsageError("--fov must be a number")
    if crop is not None and not (crop[0] < crop[2] and crop[1] < crop[3]):
        raise click.UsageError("--crop must have LEFT less than RIGHT, and TOP less than BOTTOM")
    return None if range_max is None else RangeWindow(range_max, range_min or 0.0, fov, apex, crop)


def print_failures() -> FailureLog:
    """Return a log that prints each failure to stderr as one line when it is added."""
    return FailureLog(lambda name, reason: click.echo(one_line(f"error: {name}: {reason}"), err=True))


def open_inputs(
    paths: Sequence[str], failures: FailureLog, options: InputOptions
) -> tuple[Iterator[Frame], int | None]:
    """Open files and folders as one stream of frames, and read the first one.

    Args:
        paths: the inputs.
        failures: receives each path that cannot be opened or holds no frames and, now and during the iteration, each
            frame that cannot be read.
        options: which frames are read, and the fan of plain images.

    Returns:
        The frames of all inputs; and the number of frames and failures that are expected, which is 0 if nothing can be
        read, and None if it is not known.

    Raises:
        SonarDebrisError: the inputs hold none of the selected frames.
    """
    from sonar_debris.frames import FrameReadError
    from sonar_debris.frames.loader import count_frames

    streams: list[Iterator[Frame]] = []
    counts: list[int | None] = []
    # Names are relative to a folder; with several inputs, they begin with the folder that they are relative to.
    prefixes = {path: f"{path.rstrip('/')}/" if len(paths) > 1 and os.path.isdir(path) else "" for path in paths}
    for path in paths:
        try:
            stream = _open_input(path, prefixes[path], failures, options)
        except FrameReadError as error:
            failures.add_error(error)
        else:
            is_whole = options.selection.frames == slice(None)
            streams.append(_report_if_empty(path, stream, failures) if is_whole else stream)
            counts.append(count_frames(path, options.selection))
    expected = sum(count for count in counts if count is not None)
    if streams:
        expected += len(paths) - len(streams)
    frames = chain.from_iterable(streams)
    first = list(islice(frames, 1))
    if not first and not failures:
        raise SonarDebrisError("--frames: the inputs have no such frames")
    return chain(first, frames), None if None in counts else max(expected, len(first))


def _open_input(path: str, prefix: str, failures: FailureLog, options: InputOptions) -> Iterator[Frame]:
    from sonar_debris.frames import open_frames

    prefix = printable_name(prefix)
    frames = open_frames(
        path, lambda error: failures.add(f"{prefix}{error.name}", error.problem), options.selection, options.window
    )
    return (replace(frame, name=f"{prefix}{frame.name}") for frame in frames) if prefix else frames


def _report_if_empty(path: str, frames: Iterator[Frame], failures: FailureLog) -> Iterator[Frame]:
    """Yield the frames of an input; add a failure if there are none, and no failure says why."""
    count, earlier_failures = 0, len(failures)
    for frame in frames:
        count += 1
        yield frame
    if not count and len(failures) == earlier_failures:
        failures.add(path, "it holds no frames")


def exit_code(succeeded: int, failed: int) -> int:
    """Return the command's exit code.

    Args:
        succeeded: number of frames or files that were processed.
        failed: number of those that failed.

    Returns:
        0 if all succeeded, 1 if some failed, 2 if none succeeded.
    """
    if not succeeded:
        return 2
    return 1 if failed else 0


with_model = click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    metavar="NAME|PATH",
    help="Name of a shipped model (see: sonar-debris models list), or folder of your own.",
)


def load_detector(model: str, min_score: float | None) -> DebrisDetector:
    """Load a detector; its modules are imported only now.

    Args:
        model: name of a shipped model, or folder of another.
        min_score: lowest score of a detection; None for the model's own threshold.

    Returns:
        The detector.

    Raises:
        SonarDebrisError: there is no such model, or it cannot be loaded.
    """
    from sonar_debris.detectors.base import DebrisDetector

    return DebrisDetector.from_pretrained(model, min_score=min_score)
