"""Detections as a table, one row each."""

import csv
from collections.abc import Iterator
from pathlib import Path

from sonar_debris.detection.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.atomic import atomic_text
from sonar_debris.outputs.placement import DIGITS, place

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
    *DIGITS,
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
    places = place(frame, detections.xyxy)
    columns = zip(detections.xyxy, detections.names, detections.score, detections.objectness, places, strict=True)
    for (left, top, right, bottom), name, score, objectness, where in columns:
        box = (f"{value:.2f}" for value in (left, top, right - left, bottom - top))
        known = (where.get(key, "") for key in DIGITS)
        yield frame.name, frame.index, time, *box, name, f"{score:.4f}", f"{objectness:.4f}", *known
