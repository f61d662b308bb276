"""A study of one published result: its settings, a cache of the results computed so far, and its report."""

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sonar_debris import __version__
from sonar_debris.files import atomic_text, check_resume

# The result of one unit of work, e.g. of one training: anything that JSON can hold.
Result = dict[str, Any]


class ResultCache:
    """Compute each unit of work of a study once: an interrupted study resumes where it stopped.

    Args:
        folder: folder of the results, one JSON file per unit. It is created if needed.
        label: name of the study in the progress lines on stderr.
        total: number of units, for the time left.
    """

    def __init__(self, folder: Path, label: str, total: int):
        self._folder = folder
        self._label = label
        self._total = total
        self._requested = 0
        self._seconds: list[float] = []
        folder.mkdir(parents=True, exist_ok=True)

    def get_or_compute(self, name: str, compute: Callable[[], Result]) -> Result:
        """Return the result of a unit: the stored one, or else compute and store it.

        Args:
            name: name of the unit, and of its file. It must contain everything that determines the result.
            compute: returns a result that JSON can hold.

        Returns:
            The result as read from its file.
        """
        path = self._folder / f"{name}.json"
        self._requested += 1
        if not path.is_file():
            start = time.monotonic()
            result = compute()
            with atomic_text(path) as stream:
                json.dump(result, stream)
            self._seconds.append(time.monotonic() - start)
            self._print_progress(name)
        # Also a new result is read back: JSON turns tuples into lists and keys into strings, and a resumed study must
        # see the same.
        stored: Result = json.loads(path.read_text())
        return stored

    def _print_progress(self, name: str) -> None:
        mean_seconds = sum(self._seconds) / len(self._seconds)
        minutes_left = mean_seconds * max(0, self._total - self._requested) / 60
        print(
            f"{self._label} {self._requested}/{self._total}  {name}  {self._seconds[-1]:.0f} s, "
            f"{minutes_left:.1f} min left",
            file=sys.stderr,
        )


@dataclass(frozen=True)
class Study:
    """The settings of one run of a study.

    Attributes:
        root: the folder of the public release.
        folder: the output folder: ``report.md``, ``results.json``, plots, and the results of the units in ``cells/``.
        quick: small settings that show that everything runs; the figures are not meaningful.
        seed: the first random seed.
        precision: a Keras dtype policy for training.
        command: the command line that started the run, for the report.
    """

    root: Path
    folder: Path
    quick: bool = False
    seed: int = 0
    precision: str = "float32"
    command: str = ""

    def open_cache(self, label: str, total: int) -> ResultCache:
        """Open the cache of the study's results.

        Args:
            label: name of the study in the progress lines on stderr.
            total: number of units of work.

        Returns:
            The cache, in ``cells/``.

        Raises:
            SonarDebrisError: the folder holds a study with other settings.
        """
        self.check_folder(self.folder)
        return ResultCache(self.folder / "cells", label, total)

    def check_folder(self, folder: Path) -> None:
        """Create a folder for results or networks, or check that an existing one belongs to the same settings.

        Raises:
            SonarDebrisError: the folder holds results of other settings.
        """
        check_resume(folder, {"quick": self.quick, "seed": self.seed, "precision": self.precision})

    def write_report(self, title: str, sections: Sequence[str], figures: dict[str, Any]) -> None:
        """Write ``report.md`` and ``results.json``.

        Args:
            title: heading of the report.
            sections: Markdown paragraphs and tables.
            figures: content of ``results.json`` in addition to the command, the settings and the versions.
        """
        settings = {
            "command": self.command,
            "quick": self.quick,
            "seed": self.seed,
            "precision": self.precision,
            "versions": _versions(),
        }
        with atomic_text(self.folder / "results.json") as stream:
            json.dump(settings | figures, stream, indent=1)
        paragraphs = [
            f"# {title}",
            f"Made by `{self.command}` (seed {self.seed}, {self.precision}; versions in `results.json`).",
        ]
        if self.quick:
            paragraphs.append(
                "**Quick run: small settings, to show that everything runs. The figures are not meaningful.**"
            )
        with atomic_text(self.folder / "report.md") as stream:
            stream.write("\n\n".join([*paragraphs, *sections]) + "\n")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table whose first column is aligned left and whose other columns are aligned right.

    Args:
        header: names of the columns.
        rows: cells of each row.

    Returns:
        The lines of the table.

    Example:
        >>> print(markdown_table(["row", "found"], [["ours", "98.2"]]))
        | row  | found |
        |:-----|------:|
        | ours |  98.2 |
    """
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    rule = f"|:{'-' * (widths[0] + 1)}|" + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
    lines = [_format_row(cells, widths) for cells in (header, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def _format_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return f"| {' | '.join([cells[0].ljust(widths[0]), *numbers])} |"


def percent(share: float | None, deviation: float | None = None) -> str:
    """Format a share and its standard deviation in per cent.

    Args:
        share: a share in [0, 1], or None for ``–``.
        deviation: its standard deviation, or None to leave it out.

    Returns:
        Text with one decimal.

    Example:
        >>> percent(0.982, 0.0032)
        '98.2 ± 0.3'
    """
    if share is None:
        return "–"
    return f"{100 * share:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")


def _versions() -> dict[str, str]:
    import keras

    backend = keras.backend.backend()
    return {
        "sonar_debris": __version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: import_module(backend).__version__,
        "scikit-learn": version("scikit-learn"),
    }
