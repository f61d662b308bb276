"""Which files a survey consists of."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonar_debris.frames import FrameReadError
from sonar_debris.frames.opening import find_files

OnError = Callable[[FrameReadError], None]


@dataclass(frozen=True)
class Source:
    """A recording or an image of a survey.

    Attributes:
        name: the file as the user named it, or the folder as named and the file in it.
        path: the file.
    """

    name: str
    path: Path


def find_sources(inputs: Sequence[str | os.PathLike[str]], report: OnError) -> list[Source]:
    """List the files of inputs, those of a folder in natural order; a file that is named twice comes once.

    Args:
        inputs: files, and folders that are searched with their subfolders.
        report: told of inputs that are not there and of subfolders that cannot be searched.
    """
    found: dict[str, Source] = {}
    for given in map(Path, inputs):
        if not given.exists():
            report(FrameReadError(str(given), "no such file or folder"))
        for path in find_files(given, report) if given.is_dir() else [given] if given.exists() else []:
            found.setdefault(os.path.realpath(path), Source(path.as_posix(), path))
    return list(found.values())
