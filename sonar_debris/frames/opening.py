"""Opening a file or a folder of frames."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.frame_read_error import FrameReadError
from sonar_debris.frames.readers import FORMATS, find_format
from sonar_debris.frames.sidecar import with_sidecar

OnError = Callable[[FrameReadError], None]


def open_frames(path: str | os.PathLike[str], on_error: OnError | None = None) -> Iterator[Frame]:
    """Open a file or a folder as a stream of frames, of which one is in memory at a time.

    A folder is searched with all its subfolders, in natural order (``ping-2`` before ``ping-10``). Files of
    other formats, hidden files and folders, and links to folders are passed over.

    Args:
        path: a file of a known format (an image, an array, a video, a recording) or a folder.
        on_error: called with the error of each file or subfolder that cannot be read, after which the
            iteration goes on. By default the error is raised.

    Returns:
        An iterator of frames.

    Raises:
        FrameReadError: at the call, if the path is missing, a file of no known format, or a folder without a
            file of a known format; in the iteration, if a file cannot be read and ``on_error`` is None.

    Example:
        >>> for frame in open_frames("survey/"):  # doctest: +SKIP
        ...     print(frame.name, frame.image.shape)
    """
    name, report = os.fspath(path), on_error or _raise
    formats = "known formats: " + " ".join(FORMATS)
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise FrameReadError(name, _reason(error)) from error
    path = Path(path)
    if is_folder:
        files = [(file, file.relative_to(path).as_posix()) for file in find_files(path, report)]
        if not files:
            raise FrameReadError(name, f"the folder holds no frames; {formats}")
        return _read(files, report)
    if find_format(path) is None:
        raise FrameReadError(name, f"not a file of frames; {formats}")
    return _read([(path, name)], report)


def find_files(folder: Path, report: OnError) -> list[Path]:
    """Find what ``open_frames`` reads of a folder.

    Args:
        folder: searched with its subfolders.
        report: called with the error of each subfolder that cannot be searched.

    Returns:
        The files of known formats, in natural order.
    """
    files = []
    for parent, folders, names in os.walk(folder, onerror=partial(_report_folder, folder, report)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(filter(find_format, files), key=_natural_key)


def _report_folder(root: Path, report: OnError, error: OSError) -> None:
    folder = Path(error.filename)
    name = str(root) if folder == root else folder.relative_to(root).as_posix()
    report(FrameReadError(name, _reason(error)))


def _natural_key(path: Path) -> tuple:
    """Sort numbers in names by value; splitting at digits makes every second piece a number."""
    pieces = [[int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", part)] for part in path.parts]
    return pieces, path  # the path itself settles 01 against 1


def _read(files: list[tuple[Path, str]], report: OnError) -> Iterator[Frame]:
    for path, name in files:
        try:
            _check_file(path)
            yield from map(with_sidecar, find_format(path).read(path, name))
        except (OSError, ValueError) as error:
            report(FrameReadError(name, _reason(error)))


def _check_file(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if status.st_size == 0:
        raise ValueError("the file is empty")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _raise(error: FrameReadError) -> None:
    raise error
