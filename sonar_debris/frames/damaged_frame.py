"""A frame of a recording that cannot be read, in the place where it would stand."""

from collections.abc import Callable
from dataclasses import dataclass

from sonar_debris.frames.frame import Frame


@dataclass(frozen=True)
class DamagedFrame:
    """What a reader yields for a frame that is damaged: those behind it may be whole.

    Attributes:
        index: position of the frame in its file.
        reason: what is wrong with it.
    """

    index: int
    reason: str


def attempt(index: int, read: Callable[[], Frame]) -> Frame | DamagedFrame:
    """The frame that ``read`` makes, or that it is damaged, if it raises a ValueError."""
    try:
        return read()
    except ValueError as error:
        return DamagedFrame(index, str(error))
