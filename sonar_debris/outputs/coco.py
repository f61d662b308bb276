"""Georeference detections and write them as a COCO file; build COCO images, categories and annotations.

Reference:
    https://cocodataset.org/#format-data
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonar_debris.detections import Detections
from sonar_debris.files import atomic_text
from sonar_debris.frames.frame import Frame, utc_time

# Digits after the decimal point, by column: millimetres for lengths; 1e-7 degrees of latitude are a centimetre.
DECIMALS = {"range_m": 3, "bearing_deg": 3, "width_m": 3, "range_extent_m": 3, "latitude": 7, "longitude": 7}


def georeference(frame: Frame, xyxy: np.ndarray) -> list[dict[str, float]]:
    """Return where boxes lie in the world, as far as their frame's geometry and navigation are known.

    Range, bearing, latitude and longitude are those of the box's centre.

    Args:
        frame: the frame.
        xyxy: ``(N, 4)`` boxes in pixels of the frame.

    Returns:
        One dictionary per box, with those keys of ``DECIMALS`` that are known: none without geometry, no latitude and
        longitude without navigation.
    """
    if frame.geometry is None:
        return [{} for _ in xyxy]
    polar = frame.geometry.to_polar((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    columns = [polar, frame.geometry.size_in_metres(xyxy)]
    if frame.navigation and frame.navigation.located:
        columns.append(frame.navigation.to_position(polar))
    rows = np.concatenate(columns, axis=1).tolist()
    # Without navigation a row is shorter than DECIMALS, whose last keys are then left out.
    return [{key: round(value, DECIMALS[key]) for key, value in zip(DECIMALS, row, strict=False)} for row in rows]


# Digits after the decimal point of pixels and of probabilities.
PIXEL_DECIMALS, SCORE_DECIMALS = 3, 6


def coco_categories(class_names: Iterable[str]) -> list[dict[str, Any]]:
    """Return COCO's ``categories``; ids count from 1, so a category's id is its class index plus 1.

    Example:
        >>> coco_categories(["can", "tire"])
        [{'id': 1, 'name': 'can'}, {'id': 2, 'name': 'tire'}]
    """
    return [{"id": category_id, "name": name} for category_id, name in enumerate(class_names, start=1)]


def coco_image(
    image_id: int, file_name: str, rows: int, cols: int, frame_index: int = 0, time: float | None = None
) -> dict[str, Any]:
    """Return an element of COCO's ``images``.

    Args:
        image_id: id of the image, counted from 1.
        file_name: the frame's file.
        rows: height of the frame in pixels.
        cols: width of the frame in pixels.
        frame_index: position of the frame in its file.
        time: see `Frame.time`; None if unknown.

    Returns:
        The image, ready for JSON; ``date_captured`` is ISO 8601 in UTC, and only there if the time is known.
    """
    image = {"id": image_id, "file_name": file_name, "width": cols, "height": rows, "frame_index": frame_index}
    captured = utc_time(time)
    return image | {"date_captured": captured} if captured else image


def coco_annotation(
    annotation_id: int,
    image_id: int,
    category_id: int,
    xywh: Sequence[float],
    score: float | None = None,
    objectness: float | None = None,
) -> dict[str, Any]:
    """Return an element of COCO's ``annotations``.

    Args:
        annotation_id: id of the annotation, counted from 1.
        image_id: id of its image.
        category_id: id of its category: the class index plus 1.
        xywh: left, top, width and height of the box in pixels.
        score: probability that box and class are right, in [0, 1]; None for ground truth.
        objectness: probability of an object of any class, in [0, 1]; None for ground truth.

    Returns:
        The annotation, ready for JSON; ``score`` and ``objectness`` only if given.

    Example:
        >>> coco_annotation(1, 1, 2, (10, 20, 5, 4))["area"]
        20
    """
    annotation = {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [round(value, PIXEL_DECIMALS) for value in xywh],
        "area": round(xywh[2] * xywh[3], PIXEL_DECIMALS),
        "iscrowd": 0,
    }
    probabilities = {"score": score, "objectness": objectness}
    return annotation | {
        key: round(float(value), SCORE_DECIMALS) for key, value in probabilities.items() if value is not None
    }


class CocoFile:
    """Collect the detections of many frames and write them as one COCO object.

    In addition to COCO's ``info``, ``images``, ``categories`` and ``annotations``, the object has ``failures``: the
    frames that could not be read. Annotations have ``score`` and ``objectness``; range, bearing, size in metres and
    position where the frame's geometry is known; and ``"alternative": true`` if the detection is a second label of an
    object.

    Args:
        class_names: the classes that the detections index.
        info: version, model and thresholds; copied into the file.
    """

    def __init__(self, class_names: Sequence[str], info: dict[str, Any]):
        self.class_names = tuple(class_names)
        self.info = info
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._failures: list[dict[str, Any]] = []

    def add(self, frame: Frame, detections: Detections) -> None:
        """Add a frame, even if it has no detections.

        Args:
            frame: the frame.
            detections: its detections.
        """
        rows, cols = frame.image.shape
        image_id = len(self._images) + 1
        self._images.append(coco_image(image_id, frame.name, rows, cols, frame.index, frame.time))
        positions = georeference(frame, detections.xyxy)
        for index, (left, top, right, bottom) in enumerate(detections.xyxy.tolist()):
            annotation = coco_annotation(
                len(self._annotations) + 1,
                image_id,
                int(detections.class_id[index]) + 1,
                (left, top, right - left, bottom - top),
                detections.score[index],
                detections.objectness[index],
            )
            alternative = {"alternative": True} if detections.alternative[index] else {}
            self._annotations.append(annotation | positions[index] | alternative)

    def add_failure(self, file_name: str, error: str) -> None:
        """Add a frame that could not be read.

        Args:
            file_name: the frame's file.
            error: why it could not be read.
        """
        self._failures.append({"file_name": file_name, "error": error})

    def write(self, path: Path) -> None:
        """Write the file atomically."""
        content = {
            "info": self.info,
            "images": self._images,
            "categories": coco_categories(self.class_names),
            "annotations": self._annotations,
            "failures": self._failures,
        }
        with atomic_text(path) as stream:
            json.dump(content, stream, indent=1, allow_nan=False)
