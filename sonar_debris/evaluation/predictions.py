"""Read detections from a ``detections.coco.json``, to score them without running a detector."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import check_regular_file


def read_predictions(path: Path, frames: Sequence[LabelledFrame]) -> tuple[list[Detections], list[str]]:
    """Read the detections of frames from a COCO file. Frames are paired by the stem of the file name.

    Args:
        path: a COCO object with ``images``, ``categories`` and scored ``annotations``.
        frames: the frames to look up.

    Returns:
        The detections of each frame, best score first, and the names of the frames that the file does not list; those
        have no detections.

    Raises:
        SonarDebrisError: the file cannot be read, or is not such an object.
    """
    try:
        check_regular_file(path)
        coco = json.loads(path.read_text())
        annotations = _group_by_stem(coco)
        class_names = {category["id"]: category["name"] for category in coco["categories"]}
        detections = [_read_detections(annotations.get(frame.name, []), class_names) for frame in frames]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SonarDebrisError(f"{path}: not a readable COCO file of detections ({reason})") from error
    return detections, [frame.name for frame in frames if frame.name not in annotations]


def _group_by_stem(coco: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group the annotations by the stem of their image's file name."""
    stem = {image["id"]: Path(image["file_name"]).stem for image in coco["images"]}
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in stem.values()}
    for annotation in coco["annotations"]:
        groups[stem[annotation["image_id"]]].append(annotation)
    return groups


def _read_detections(annotations: Sequence[Mapping[str, Any]], class_names: Mapping[int, str]) -> Detections:
    """Convert the annotations of one frame.

    Args:
        annotations: COCO annotations with ``score`` and, if known, ``objectness`` and ``alternative``.
        class_names: names by category id.
    """
    ranked = sorted(annotations, key=lambda annotation: -annotation["score"])
    class_index = {category_id: index for index, category_id in enumerate(class_names)}
    xywh = np.array([annotation["bbox"] for annotation in ranked], np.float32).reshape(-1, 4)
    return Detections(
        xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        score=np.array([annotation["score"] for annotation in ranked], np.float32),
        class_id=np.array([class_index[annotation["category_id"]] for annotation in ranked], np.int64),
        objectness=np.array([annotation.get("objectness", annotation["score"]) for annotation in ranked], np.float32),
        class_names=tuple(class_names.values()),
        alternative=np.array([annotation.get("alternative", False) for annotation in ranked], bool),
    )
