"""What ``detect`` leaves behind, in one folder."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sonar_debris.detection.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.coco import CocoFile
from sonar_debris.outputs.pictures import PictureFolder
from sonar_debris.outputs.table import DetectionTable


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
