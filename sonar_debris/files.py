"""Read and write files safely: regular files, atomic writes, unique names, output folders, checks of resumed runs."""

import errno
import json
import os
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np

from sonar_debris.errors import SonarDebrisError

OPTIONS_FILE = "options.json"


class OutputError(SonarDebrisError):
    """Results cannot be written to the folder that the user chose."""


def check_regular_file(path: str | os.PathLike[str]) -> None:
    """Refuse a path that is not a file: to open a pipe would wait for ever, and a device may have no end.

    Args:
        path: the file that is to be read. Links are followed.

    Raises:
        OSError: it is missing, cannot be reached, or is a folder, pipe, socket or device. The error has its name.

    Example:
        >>> check_regular_file("/dev/null")
        Traceback (most recent call last):
            ...
        OSError: [Errno 22] not a regular file: '/dev/null'
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


# A spreadsheet takes a cell that begins with one of these for a formula, and may run it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet_safe(text: str) -> str:
    """Return a text for a cell of a CSV file; one that a spreadsheet would take for a formula is quoted by ``'``.

    Reference:
        OWASP, CSV injection: https://owasp.org/www-community/attacks/CSV_Injection

    Example:
        >>> spreadsheet_safe("=1+2.png"), spreadsheet_safe("dive-07.aris"), spreadsheet_safe("-1.5")
        ("'=1+2.png", 'dive-07.aris', '-1.5')
    """
    try:
        float(text)
    except ValueError:
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return text


@contextmanager
def atomic_text(path: Path) -> Iterator[TextIO]:
    """Open a text file for writing that appears only when it is complete.

    Args:
        path: the file. An earlier file is replaced; if writing fails, it is kept.

    Yields:
        A UTF-8 text stream that does not translate line ends.

    Example:
        >>> with atomic_text(Path("report.txt")) as stream:  # doctest: +SKIP
        ...     stream.write("complete or absent")
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        if error.filename is None:  # that of a full disk has no name
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a library a file to write that appears under its name only when it is complete.

    Args:
        path: the file. An earlier file is replaced; if writing fails, it is kept.

    Yields:
        The path to write to, in the same folder and with the same suffix.
    """
    part = path.with_name(f"{path.stem}-part{path.suffix}")
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        # The user knows the file by its final name.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


# Length of a PNG file's signature and header chunk; the mark follows them.
PNG_HEADER_LENGTH = 33
PNG_MARK = _png_chunk(b"tEXt", b"Software\0sonar-debris")


def write_png(path: Path, image: np.ndarray) -> None:
    """Write a PNG file with the mark of this program; it appears only when it is complete.

    Args:
        path: the file.
        image: uint8, ``(rows, cols)`` grey or ``(rows, cols, 3)`` BGR.

    Raises:
        OSError: the file cannot be written. (``cv2.imwrite`` would only return False.)
    """
    _, png = cv2.imencode(".png", image)
    data = png.tobytes()
    with atomic_path(path) as part:
        part.write_bytes(data[:PNG_HEADER_LENGTH] + PNG_MARK + data[PNG_HEADER_LENGTH:])


def remove_marked_pngs(folder: Path, pattern: str = "**/*.png") -> list[Path]:
    """Remove the PNG files that an earlier run wrote, so that they do not mix with those of this run.

    Args:
        folder: an output folder, which need not exist.
        pattern: which files in it. Files without the mark of `write_png` are the user's, and stay.

    Returns:
        The files that were removed.
    """
    removed = []
    for path in folder.glob(pattern):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                start = file.read(PNG_HEADER_LENGTH + len(PNG_MARK))
            if start.endswith(PNG_MARK):
                path.unlink()
                removed.append(path)
    return removed


class UniqueNames:
    """Make file names unique, also on file systems that ignore case.

    Example:
        >>> names = UniqueNames()
        >>> [names.unique(stem) for stem in ("ping", "Ping", "ping")]
        ['ping', 'Ping-2', 'ping-3']
    """

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unique(self, stem: str) -> str:
        """Return ``stem``, or ``stem-2``, ``stem-3`` … if it is used already."""
        name, copy = stem, 1
        while name.casefold() in self._used:
            copy += 1
            name = f"{stem}-{copy}"
        self._used.add(name.casefold())
        return name


def check_outside(path: Path, inputs: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse an output folder inside an input folder: the next run would read the results as frames.

    Args:
        path: the output folder or file, which need not exist.
        inputs: files and folders to be read. Links are followed.

    Raises:
        OutputError: the output is one of the input folders, or lies inside one.
    """
    for folder in inputs:
        if os.path.isdir(folder) and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            raise OutputError(f"{path}: is inside the input folder {folder}; choose an output folder outside of it")


def open_output_folder(path: Path) -> Path:
    """Create an output folder with its parents; use it if it exists.

    Args:
        path: the folder.

    Returns:
        The same path, now a writable folder.

    Raises:
        OutputError: the path is a file, or the folder cannot be created or is not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        message = f"{path}: cannot create the output folder, a file is in the way; choose another folder"
        raise OutputError(message) from error
    except OSError as error:
        message = f"{path}: cannot create the output folder ({error.strerror}); choose another folder"
        raise OutputError(message) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: no permission to write to the output folder; choose another folder")
    return path


def describe_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Describe the options that differ between two runs.

    Args:
        old: the options of the earlier run, as read from JSON.
        new: the options of this run, with values of JSON's types. A missing option equals None.

    Returns:
        One text per difference, in the order of ``new``; empty if the options are the same. Options in a group of
        options are compared one by one.

    Example:
        >>> describe_differences({"size": 96, "schedule": {"seed": 0}}, {"size": 96, "schedule": {"seed": 1}})
        ['schedule seed: 0 → 1']
    """
    old, new = _flatten(old), _flatten(new)
    names = dict.fromkeys([*new, *old])
    return [f"{name}: {old.get(name)} → {new.get(name)}" for name in names if old.get(name) != new.get(name)]


def _flatten(options: Mapping[str, Any], group: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        flat |= _flatten(value, f"{group}{name} ") if isinstance(value, Mapping) else {f"{group}{name}": value}
    return flat


def check_resume(folder: Path, options: dict[str, Any]) -> None:
    """Create a run folder, or check that an existing one belongs to a run with the same options.

    Args:
        folder: where the run stores networks, logs and checkpoints. Its ``options.json`` holds the options.
        options: all that determines the result, with values that JSON can hold.

    Raises:
        SonarDebrisError: the folder holds a run with other options, or its ``options.json`` is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / OPTIONS_FILE
    options = json.loads(json.dumps(options))  # JSON turns tuples into lists
    if not path.exists():
        with atomic_text(path) as stream:
            stream.write(json.dumps(options, indent=1) + "\n")
        return
    try:
        check_regular_file(path)
        differences = describe_differences(json.loads(path.read_text(encoding="utf-8")), options)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SonarDebrisError(f"{path}: damaged ({error}); choose another run folder") from error
    if differences:
        raise SonarDebrisError(
            f"{folder}: holds a run with other options ({'; '.join(differences)}); choose another run folder"
        )
