"""Where detections lie in the world, as far as their frame tells.

MERGED:
Detections as a table, one row each.
---
What ``detect`` leaves behind, in one folder.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from sonar_debris.detections import Detections
from sonar_debris.files import atomic_text
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.coco import CocoFile
from sonar_debris.outputs.georeference import DECIMALS, georeference
from sonar_debris.outputs.pictures import PictureFolder

COLUMNS = (
    "file",
    "frame",
    "time",
    "x",
    "y",
    "w",
    "h",
    "class",
    "score",
    "objectness",
    *DECIMALS,
)


class DetectionTable:
    """Gathers the detections of many frames and writes them as CSV with the header ``COLUMNS``.

    x, y are a box's left and top and w, h its size, in pixels of the frame as stored; time is in seconds since the
    epoch. What is not known stays empty.
    """

    def __init__(self) -> None:
        self._rows: list[tuple] = []

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add a row for each detection of a frame."""
        self._rows.extend(_rows(frame, detections))

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        with atomic_text(path) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self._rows)


def _rows(frame: Frame, detections: Detections) -> Iterator[tuple]:
    time = "" if frame.time is None else f"{frame.time:.6f}"
    places = georeference(frame, detections.xyxy)
    columns = zip(detections.xyxy, detections.names, detections.score, detections.objectness, places, strict=True)
    for (left, top, right, bottom), name, score, objectness, where in columns:
        box = (f"{value:.2f}" for value in (left, top, right - left, bottom - top))
        known = (where.get(key, "") for key in DECIMALS)
        yield frame.name, frame.index, time, *box, name, f"{score:.4f}", f"{objectness:.4f}", *known


class ResultFolder:
    """Writes ``detections.coco.json``, ``detections.csv`` and, if wanted, ``annotated/`` into a folder.

    The pictures are written as the frames come, the two files at the end, each whole or not at all.

    Attributes:
        folder: where the results go.
        frames: how many frames were added.
        found: how many objects of each class, by name.
    """

    def __init__(self, folder: Path, class_names: Sequence[str], info: dict, pictures: bool = True):
        self.folder = folder
        self.frames = 0
        self.found: Counter[str] = Counter()
        self._coco = CocoFile(class_names, info)
        self._table = DetectionTable()
        self._pictures = PictureFolder(folder / "annotated") if pictures else None

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add what was found in a frame, and draw its picture.

        Raises:
            OSError: the picture cannot be written; what was found is added all the same.
        """
        self.frames += 1
        self.found.update(detections.names)
        self._coco.add(frame, detections)
        self._table.add(frame, detections)
        if self._pictures:
            self._pictures.add(frame, detections)

    def write(self, failures: Sequence[tuple[str, str]]) -> None:
        """Write the two files.

        Args:
            failures: name and reason of each frame that could not be read.
        """
        for file_name, error in failures:
            self._coco.add_failure(file_name, error)
        self._coco.write(self.folder / "detections.coco.json")
        self._table.write(self.folder / "detections.csv")
