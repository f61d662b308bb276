"""Text files that are either whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that takes its name only when all of it is written.

    Args:
        path: the file; an earlier one is replaced, and stays as it is if the writing fails.

    Yields:
        A UTF-8 text stream that leaves line ends as they are written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
