"""Write the results of a detection run to a folder: COCO, CSV and annotated pictures."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sonar_debris.detections import Detections
from sonar_debris.files import atomic_text, remove_marked_pngs, spreadsheet_safe
from sonar_debris.frames.frame import Frame, utc_time
from sonar_debris.outputs.coco import DECIMALS, CocoFile, georeference
from sonar_debris.outputs.pictures import PictureFolder

COCO_FILE, CSV_FILE, PICTURE_FOLDER = "detections.coco.json", "detections.csv", "annotated"
BOX_COLUMNS = ("file", "frame", "time", "x", "y", "w", "h", "class", "score", "objectness")
COLUMNS = (*BOX_COLUMNS, *DECIMALS, "alternative")


class DetectionTable:
    """Collect the detections of many frames and write them as CSV with the header ``COLUMNS``.

    x, y are a box's left and top, w, h its width and height, in pixels of the frame as stored. The time is ISO 8601 in
    UTC, empty for videos. ``alternative`` is 1 if the detection is a second label of an object, else 0. Unknown values
    are empty.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str | int | float, ...]] = []

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add one row per detection.

        Args:
            frame: the frame.
            detections: its detections.
        """
        self._rows.extend(_rows(frame, detections))

    def write(self, path: Path) -> None:
        """Write the file atomically."""
        with atomic_text(path) as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self._rows)


def _rows(frame: Frame, detections: Detections) -> Iterator[tuple[str | int | float, ...]]:
    time = utc_time(frame.time)
    positions = georeference(frame, detections.xyxy)
    for index, (left, top, right, bottom) in enumerate(detections.xyxy):
        yield (
            spreadsheet_safe(frame.name),
            frame.index,
            time,
            *(f"{value:.2f}" for value in (left, top, right - left, bottom - top)),
            spreadsheet_safe(detections.names[index]),
            f"{detections.score[index]:.4f}",
            f"{detections.objectness[index]:.4f}",
            *(positions[index].get(key, "") for key in DECIMALS),
            int(detections.alternative[index]),
        )


class ResultFolder:
    """Write ``detections.coco.json``, ``detections.csv`` and annotated pictures to a folder.

    Pictures are written when a frame is added; the two files at the end, atomically. Pictures of an earlier run in the
    same folder are removed.

    Args:
        folder: where the results are written; must exist.
        class_names: the classes that the detections index.
        info: version, model and thresholds, for the COCO file.
        pictures: whether to write ``annotated/``, one PNG per frame.

    Attributes:
        frames: number of frames added.
        counts: number of detections by class name; alternative labels are not counted.
    """

    def __init__(self, folder: Path, class_names: Sequence[str], info: dict[str, Any], pictures: bool = True):
        self.folder = folder
        self.frames = 0
        self.counts: Counter[str] = Counter()
        self._coco = CocoFile(class_names, info)
        self._table = DetectionTable()
        remove_marked_pngs(folder / PICTURE_FOLDER)
        self._pictures = PictureFolder(folder / PICTURE_FOLDER) if pictures else None

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add a frame and draw its picture.

        Args:
            frame: the frame.
            detections: its detections.

        Raises:
            OSError: the picture cannot be written; the detections are added all the same.
        """
        self.frames += 1
        self.counts.update(detections[~detections.alternative].names)
        self._coco.add(frame, detections)
        self._table.add(frame, detections)
        if self._pictures:
            self._pictures.add(frame, detections)

    def write(self, failures: Sequence[tuple[str, str]], interrupted: bool = False) -> None:
        """Write the two files.

        Args:
            failures: name and reason of each frame that could not be read.
            interrupted: whether frames are missing because the run was interrupted; the COCO file says so.
        """
        if interrupted:
            self._coco.info["interrupted"] = True
        for file_name, error in failures:
            self._coco.add_failure(file_name, error)
        self._coco.write(self.folder / COCO_FILE)
        self._table.write(self.folder / CSV_FILE)
