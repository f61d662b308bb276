"""What of an input is to be read.

MERGED:
The order in which people count: ping-2 before ping-10.
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FrameSelection:
    """What of a file is to be read.

    Attributes:
        frames: which frames, by position, counted from 0; start and stop are not negative and the step is positive.
        topic: of a ROS bag; None for the only one that shows frames.
    """

    frames: slice = field(default_factory=lambda: slice(None))
    topic: str | None = None


ALL_FRAMES = FrameSelection()


def shift_slice(frames: slice, position: int) -> slice:
    """What a slice of a sequence takes of the part that begins at a position, counted from there.

    Example:
        >>> shift_slice(slice(2, 20, 5), 10)  # 2, 7, 12, 17 of the whole
        slice(2, 10, 5)
    """
    start, step = frames.start or 0, frames.step or 1
    missed = max(0, -(-(position - start) // step))
    stop = None if frames.stop is None else max(0, frames.stop - position)
    return slice(start + missed * step - position, stop, step)


def natural_sort_key(text: str) -> list[int | str]:
    """A key that sorts numbers in a text by value; splitting at digits makes every second piece a number."""
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", text)]
