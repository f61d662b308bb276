"""The folder that results are written to."""

import os
from collections.abc import Iterable
from pathlib import Path

from sonar_debris.errors import SonarDebrisError


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
