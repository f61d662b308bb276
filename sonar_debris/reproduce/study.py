"""Units of work, each done once and kept: an interrupted run goes on where it stopped.

MERGED:
What one run of `sonar-debris reproduce` works on, and what it leaves behind.
"""

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tabulate import tabulate

from sonar_debris import __version__
from sonar_debris.files import atomic_text, check_resume


class ResultCache:
    """Keeps the results of the units of one study, each in a JSON file of its own.

    Args:
        folder: where they are kept; made if it is not there.
        label: what the study is called in the lines that tell its progress on stderr.
        total: how many units there are, for the time left.
    """

    def __init__(self, folder: Path, label: str, total: int):
        self._folder = folder
        self._label = label
        self._total = total
        self._seen = 0
        self._seconds: list[float] = []
        folder.mkdir(parents=True, exist_ok=True)

    def cell(self, name: str, compute: Callable[[], dict]) -> dict:
        """The result of a unit: as kept, or computed now and then kept.

        Args:
            name: of the unit, fit for a file name; it must tell all that decides the result.
            compute: gives a result that JSON can hold.
        """
        path = self._folder / f"{name}.json"
        self._seen += 1
        if path.is_file():
            return json.loads(path.read_text())
        begin = time.monotonic()
        result = compute()
        with atomic_text(path) as stream:
            json.dump(result, stream)
        self._seconds.append(time.monotonic() - begin)
        self._tell(name)
        # As read back, so that a resumed run sees the same: tuples are lists, keys are strings.
        return json.loads(path.read_text())

    def _tell(self, name: str) -> None:
        left = sum(self._seconds) / len(self._seconds) * max(0, self._total - self._seen) / 60
        print(
            f"{self._label} {self._seen}/{self._total}  {name}  {self._seconds[-1]:.0f} s, {left:.1f} min left",
            file=sys.stderr,
        )


@dataclass(frozen=True)
class Study:
    """One published result, to be regenerated.

    Attributes:
        root: the folder of the public release.
        folder: gets ``report.md``, ``results.json``, plots, and the units of work done so far in ``cells/``.
        quick: small settings that show that everything runs; the figures mean little.
        seed: the first of the seeds.
        precision: a Keras dtype policy for training.
        command: that was given, for the report.
    """

    root: Path
    folder: Path
    quick: bool = False
    seed: int = 0
    precision: str = "float32"
    command: str = ""

    def ledger(self, label: str, total: int) -> ResultCache:
        """The study's units of work.

        Raises:
            SonarDebrisError: the folder holds a study with other settings.
        """
        self.claim(self.folder)
        return ResultCache(self.folder / "cells", label, total)

    def claim(self, folder: Path) -> None:
        """Make a folder for this study's results or networks, or find it made with the same settings.

        Raises:
            SonarDebrisError: it was made with others.
        """
        check_resume(folder, {"quick": self.quick, "seed": self.seed, "precision": self.precision})

    def write(self, title: str, sections: Sequence[str], figures: dict) -> None:
        """Write the report and the results.

        Args:
            title: heading of the report.
            sections: Markdown paragraphs and tables, one after the other.
            figures: what ``results.json`` holds beside the command, the seed and the versions.
        """
        about = {
            "command": self.command,
            "quick": self.quick,
            "seed": self.seed,
            "precision": self.precision,
            "versions": _versions(),
        }
        with atomic_text(self.folder / "results.json") as stream:
            json.dump(about | figures, stream, indent=1)
        made = f"Made by `{self.command}` (seed {self.seed}, {self.precision}; versions in `results.json`)."
        warning = ["**Quick run: small settings, to show that everything runs. The figures mean little.**"]
        with atomic_text(self.folder / "report.md") as stream:
            stream.write("\n\n".join([f"# {title}", made, *warning * self.quick, *sections]) + "\n")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table of text, numbers to the right."""
    align = ("left", *("right",) * (len(header) - 1))
    return tabulate(rows, header, tablefmt="github", colalign=align, disable_numparse=True)


def percent(share: float | None, spread: float | None = None) -> str:
    """A share, and its spread, as per cent: ``98.2 ± 0.3``; ``–`` for None."""
    if share is None:
        return "–"
    return f"{100 * share:.1f}" + ("" if spread is None else f" ± {100 * spread:.1f}")


def pooled_accuracy(cells: Sequence[dict]) -> str:
    """Pooled accuracy of several tests and the deviation between them; of equally long tests, their mean accuracy.

    Args:
        cells: for each test its ``given`` and ``true`` classes and its ``accuracy``.
    """
    correct = np.concatenate([np.equal(cell["given"], cell["true"]) for cell in cells])
    spread = np.std([cell["accuracy"] for cell in cells], ddof=1) if len(cells) > 1 else None
    return percent(correct.mean(), spread)


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
