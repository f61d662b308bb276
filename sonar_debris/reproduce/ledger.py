"""Units of work, each done once and kept: an interrupted run goes on where it stopped."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sonar_debris.outputs.atomic import atomic_text


class Ledger:
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
