"""Opening a file or a folder of frames."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sonar_debris.frames.fan_outline import RangeWindow
from sonar_debris.frames.frame import DamagedFrame, Frame, FrameReadError, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection, natural_sort_key, shift_slice
from sonar_debris.frames.readers import UNSUPPORTED_FORMATS, Format, find_format, known_formats
from sonar_debris.frames.sidecar import apply_sidecar

OnError = Callable[[FrameReadError], None]


def open_frames(
    path: str | os.PathLike[str],
    on_error: OnError | None = None,
    wanted: FrameSelection = ALL_FRAMES,
    window: RangeWindow | None = None,
) -> Iterator[Frame]:
    """Open a file or a folder as a stream of frames, of which one is in memory at a time.

    A folder is searched with all its subfolders, in natural order (``ping-2`` before ``ping-10``). Files of
    other formats, hidden files and folders, and links to folders are passed over.

    Args:
        path: a file of a known format (an image, an array, a video, a recording) or a folder.
        on_error: called with the error of each file, frame of a recording or subfolder that cannot be read, after
            which the iteration goes on. By default the error is raised.
        wanted: which frames, by their position in the file or among all frames of the folder.
        window: what is known of the fan of frames that do not tell it.

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
    formats = "known formats: " + " ".join(known_formats())
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise FrameReadError(name, _reason(error)) from error
    path = Path(path)
    if is_folder:
        files = [(file, file.relative_to(path).as_posix()) for file in find_files(path, report)]
        if not files:
            raise FrameReadError(name, f"the folder holds no frames; {formats}")
        return _read(files, report, wanted, window)
    if not _is_recognised(path):
        raise FrameReadError(name, f"not a file of frames; {formats}")
    return _read([(path, name)], report, wanted, window)


def find_files(folder: Path, report: OnError) -> list[Path]:
    """Find what ``open_frames`` reads of a folder.

    Args:
        folder: searched with its subfolders.
        report: called with the error of each subfolder that cannot be searched.

    Returns:
        The files of known formats, in natural order, and the recordings that cannot be read for want of an open format.
    """
    files = []
    for parent, folders, names in os.walk(folder, onerror=partial(_report_folder, folder, report)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(filter(_is_recognised, files), key=_natural_key)


def count_frames(path: Path) -> int:
    """Count the frames of a file or folder without decoding them; a file that cannot be read counts as one."""
    files = find_files(path, lambda error: None) if path.is_dir() else [path]
    return sum(map(_count, files))


def _count(file: Path) -> int:
    try:
        return _format_of(file).count(file)
    except (OSError, ValueError):
        return 1


def _is_recognised(path: Path) -> bool:
    return find_format(path) is not None or path.suffix.lower() in UNSUPPORTED_FORMATS


def _format_of(path: Path) -> Format:
    if path.suffix.lower() in UNSUPPORTED_FORMATS:
        raise ValueError(UNSUPPORTED_FORMATS[path.suffix.lower()])
    return find_format(path)


def _report_folder(root: Path, report: OnError, error: OSError) -> None:
    folder = Path(error.filename)
    name = str(root) if folder == root else folder.relative_to(root).as_posix()
    report(FrameReadError(name, _reason(error)))


def _natural_key(path: Path) -> tuple:
    return [natural_sort_key(part) for part in path.parts], path  # the path itself settles 01 against 1


def _read(
    files: list[tuple[Path, str]], report: OnError, wanted: FrameSelection, window: RangeWindow | None
) -> Iterator[Frame]:
    for path, name, chosen in _choose(files, wanted):
        try:
            _check_file(path)
            for read in _format_of(path).read(path, name, chosen):
                frame = (
                    read
                    if isinstance(read, DamagedFrame)
                    else frame_or_damaged(read.index, partial(_complete, read, window))
                )
                if isinstance(frame, Frame):
                    yield frame
                else:
                    report(FrameReadError(name, frame.reason, frame.index))
        except (OSError, ValueError) as error:
            report(FrameReadError(name, _reason(error)))


def _choose(files: list[tuple[Path, str]], wanted: FrameSelection) -> Iterator[tuple[Path, str, FrameSelection]]:
    """The files that hold wanted frames, and which of each are wanted."""
    position, stop = 0, wanted.frames.stop
    for path, name in files:
        if wanted.frames == slice(None):
            yield path, name, wanted
        elif stop is None or position < stop:
            count, frames = _count(path), shift_slice(wanted.frames, position)
            position += count
            if range(count)[frames]:
                yield path, name, replace(wanted, frames=frames)


def _complete(frame: Frame, window: RangeWindow | None) -> Frame:
    """The frame with the geometry that a sidecar or the user knows."""
    known = apply_sidecar(frame)
    return window.add_to(known) if window else known


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
