"""Frames of a recording that cannot be read, told of when all others have been."""

from collections.abc import Iterator
from contextlib import contextmanager

# How many are named.
NAMED = 10


class DamagedFrames:
    """Remembers which frames of a file are damaged, so that one does not cost those behind it."""

    def __init__(self) -> None:
        self._found: list[int] = []
        self._reason = ""

    @contextmanager
    def noted(self, index: int) -> Iterator[None]:
        """Note a frame whose reading raises a ValueError, and go on."""
        try:
            yield
        except ValueError as error:
            self._reason = self._reason or str(error)
            self._found.append(index)

    def report(self) -> None:
        """Raise a ValueError that names the damaged frames, if there were any, and what was wrong with the first."""
        if self._found:
            named = ", ".join(map(str, self._found[:NAMED])) + (" and others" if len(self._found) > NAMED else "")
            frames = "frame" if len(self._found) == 1 else f"{len(self._found)} frames:"
            raise ValueError(f"{frames} {named}: {self._reason}")
