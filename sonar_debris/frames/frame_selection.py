"""Selections of frames, and the order in which files are read."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FrameSelection:
    """The frames of an input that are to be read, and whether they are mirrored.

    Args:
        frames: positions of the frames, counted from 0, as a slice. Its start and stop are None or not negative, its
            step is None or positive.
        topic: the topic of a ROS bag; None for the only topic that has frames. Other formats ignore it.
        mirror: whether left and right are exchanged, for recordings whose bearings run the other way.

    Example:
        >>> FrameSelection(slice(100, 501, 5))  # what --frames 100-500:5 selects
        FrameSelection(frames=slice(100, 501, 5), topic=None, mirror=False)
    """

    frames: slice = field(default_factory=lambda: slice(None))
    topic: str | None = None
    mirror: bool = False

    def indices(self, count: int) -> range:
        """Return the selected positions of a sequence of ``count`` frames.

        Example:
            >>> list(FrameSelection(slice(2, None, 3)).indices(10))
            [2, 5, 8]
        """
        return range(count)[self.frames]

    def count(self, frames: int) -> int:
        """Return how many of a sequence of frames are selected; any number, also one that `len` refuses.

        Example:
            >>> FrameSelection(slice(2, None, 3)).count(10**30)
            333333333333333333333333333333
        """
        selected = self.indices(frames)
        return max(0, -(-(selected.stop - selected.start) // selected.step))


ALL_FRAMES = FrameSelection()


def shift_slice(frames: slice, position: int) -> slice:
    """Return the part of a slice that lies behind a position, relative to that position.

    Args:
        frames: positions in a whole sequence.
        position: where the part begins.

    Returns:
        The same positions counted from ``position``; those before it are dropped.

    Example:
        >>> shift_slice(slice(2, 20, 5), 10)  # 2, 7, 12, 17: the last two lie behind 10
        slice(2, 10, 5)
    """
    start, step = frames.start or 0, frames.step or 1
    steps_before = max(0, -(-(position - start) // step))
    stop = None if frames.stop is None else max(0, frames.stop - position)
    return slice(start + steps_before * step - position, stop, step)


def natural_sort_key(text: str) -> list[int | str]:
    """Return a sort key that compares numbers in a text by value.

    Example:
        >>> sorted(["ping-10", "ping-2"], key=natural_sort_key)
        ['ping-2', 'ping-10']
    """
    # The pattern's group keeps the digits: texts and numbers alternate, so that like is compared with like.
    return [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", text)]
