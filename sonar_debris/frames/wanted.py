"""What of an input is to be read."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """What of a file is to be read.

    Attributes:
        frames: which frames, by position, counted from 0; start and stop are not negative and the step is positive.
        topic: of a ROS bag; None for the only one that shows frames.
    """

    frames: slice = field(default_factory=lambda: slice(None))
    topic: str | None = None


EVERYTHING = Wanted()


def within(frames: slice, position: int) -> slice:
    """What a slice of a sequence takes of the part that begins at a position, counted from there.

    Example:
        >>> within(slice(2, 20, 5), 10)  # 2, 7, 12, 17 of the whole
        slice(2, 10, 5)
    """
    start, step = frames.start or 0, frames.step or 1
    missed = max(0, -(-(position - start) // step))
    stop = None if frames.stop is None else max(0, frames.stop - position)
    return slice(start + missed * step - position, stop, step)
