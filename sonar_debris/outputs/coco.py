"""Detections as a COCO file (https://cocodataset.org/#format-data)."""

import json
from collections.abc import Sequence
from pathlib import Path

from sonar_debris.detections import Detections
from sonar_debris.files import atomic_text
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.georeference import georeference


class CocoFile:
    """Gathers the detections of many frames and writes them as one COCO object.

    Besides COCO's own ``info``, ``images``, ``categories`` and ``annotations`` the object has ``failures``: the
    frames that could not be read. Ids count from 1; a category's id is its class id plus 1. An annotation also tells
    range and bearing, size in metres and position, where the frame does.

    Attributes:
        class_names: the classes that detections index into.
        info: what made the detections, copied into the file.
    """

    def __init__(self, class_names: Sequence[str], info: dict):
        self.class_names = tuple(class_names)
        self.info = info
        self._images: list[dict] = []
        self._annotations: list[dict] = []
        self._failures: list[dict] = []

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add a frame, also one without detections."""
        rows, cols = frame.image.shape
        image_id = len(self._images) + 1
        self._images.append(
            {"id": image_id, "file_name": frame.name, "width": cols, "height": rows, "frame_index": frame.index}
        )
        columns = (detections.xyxy, detections.class_id, detections.score, detections.objectness)
        places = georeference(frame, detections.xyxy)
        for *detection, where in zip(*columns, places, strict=True):
            self._annotations.append(_annotation(len(self._annotations) + 1, image_id, *detection) | where)

    def add_failure(self, file_name: str, error: str) -> None:
        """Add a frame that could not be read, and why."""
        self._failures.append({"file_name": file_name, "error": error})

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        content = {
            "info": self.info,
            "images": self._images,
            "categories": [{"id": i, "name": name} for i, name in enumerate(self.class_names, start=1)],
            "annotations": self._annotations,
            "failures": self._failures,
        }
        with atomic_text(path) as stream:
            json.dump(content, stream, indent=1, allow_nan=False)


def _annotation(annotation_id: int, image_id: int, xyxy, class_id, score, objectness) -> dict:
    left, top, right, bottom = (float(edge) for edge in xyxy)
    width, height = right - left, bottom - top
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": int(class_id) + 1,
        "bbox": [round(value, 3) for value in (left, top, width, height)],
        "area": round(width * height, 3),
        "iscrowd": 0,
        "score": round(float(score), 6),
        "objectness": round(float(objectness), 6),
    }
