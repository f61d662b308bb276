"""The options that say what of the inputs is read, and how plain images are to be understood."""

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sonar_debris.frames.range_window import RangeWindow
    from sonar_debris.frames.wanted import Wanted

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

    wanted: "Wanted"
    window: "RangeWindow | None"


def with_input_options(command: Callable) -> Callable:
    """Give a command the options --frames, --topic, --range-min, --range-max and --fov, as one argument."""

    @click.option("--frames", type=FrameRange(), default=slice(None), help="Only these, of each input: 100-500:5.")
    @click.option("--topic", metavar="NAME", help="Of ROS bags in which several topics show frames.")
    @click.option("--range-max", type=METRES, help="Farthest range of plain images, in metres.")
    @click.option("--range-min", type=click.FloatRange(0), help="Nearest range; goes with --fov.")
    @click.option("--fov", type=click.FloatRange(0, 180, True, True), help="Field of view in degrees.  [default: seen]")
    @functools.wraps(command)
    def run(frames, topic, range_max, range_min, fov, **others):
        from sonar_debris.frames.range_window import RangeWindow
        from sonar_debris.frames.wanted import Wanted

        if range_max is None and (range_min, fov) != (None, None):
            raise click.UsageError("--range-min and --fov go with --range-max")
        if range_min is not None and fov is None:
            raise click.UsageError("--range-min goes with --fov")
        if range_max is not None and not (range_min or 0) < range_max < math.inf:
            raise click.UsageError("--range-max must be more than --range-min, and finite")
        if fov is not None and math.isnan(fov):
            raise click.UsageError("--fov must be a number")
        window = None if range_max is None else RangeWindow(range_max, range_min or 0.0, fov)
        return command(input_options=InputOptions(Wanted(frames, topic), window), **others)

    return run
