"""Text files that are either whole or not there.

MERGED:
Names of files of which no two are the same.
---
PNG files.
---
The folder that results are written to.
---
A run folder belongs to one training: the same options go on with it, others are refused.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np

from sonar_debris.errors import SonarDebrisError


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


class UniqueNames:
    """Gives each file a name of its own, also where case does not count."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, stem: str) -> str:
        """``stem``, or ``stem-2``, ``stem-3`` … if that is taken."""
        name, copy = stem, 1
        while name.casefold() in self._taken:
            copy += 1
            name = f"{stem}-{copy}"
        self._taken.add(name.casefold())
        return name


def write_png(path: Path, image: np.ndarray) -> None:
    """Write a uint8 image, grey or BGR; an OSError says what went wrong, which cv2.imwrite would not."""
    _, png = cv2.imencode(".png", image)
    path.write_bytes(png.tobytes())


class OutputError(SonarDebrisError):
    """Results cannot be written where they were asked for."""


def check_outside(path: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """See that results are not written among the frames, where the next run would take its pictures for frames.

    Args:
        path: the output folder, which need not exist.
        inputs: the files and folders that are to be read; links are followed.

    Raises:
        OutputError: the output folder is one of the input folders, or lies inside one.
    """
    for folder in inputs:
        if os.path.isdir(folder) and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise OutputError(f"{path}: lies inside the input folder {folder}; choose an output folder outside of it")


def open_output_folder(path: Path) -> Path:
    """Make a folder for results, or take the one that is there.

    Args:
        path: the folder.

    Returns:
        The same path, now a folder that can be written to.

    Raises:
        OutputError: it is a file, cannot be made, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"{path}: a file stands where the output folder should be; choose another folder") from error
    except OSError as error:
        raise OutputError(f"{path}: cannot make the output folder ({error.strerror}); choose another folder") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: no permission to write into the output folder; choose another folder")
    return path


def check_resume(folder: Path, options: dict) -> None:
    """Make a run folder for a training, or find it made for the same one.

    Args:
        folder: where the training's networks, logs and checkpoints go; ``options.json`` there tells its owner.
        options: all that decides the result, of JSON's types.

    Raises:
        SonarDebrisError: the folder holds a training with other options; the message names the first that differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "options.json"
    wanted = json.loads(json.dumps(options))
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1) + "\n")
        return
    try:
        found = json.loads(path.read_text())
        different = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    except (ValueError, TypeError, AttributeError) as error:
        raise SonarDebrisError(f"{path}: damaged ({error}); choose another run folder") from error
    if different:
        name = different[0]
        raise SonarDebrisError(
            f"{folder}: holds a training with another {name} ({found.get(name)}, not {wanted.get(name)}); "
            "choose another run folder"
        )
