"""Reads the detections of a ``detections.coco.json`` back, frame by frame."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.detections import Detections
from sonar_debris.errors import SonarDebrisError


def read_predictions(path: Path, frames: Sequence[LabelledFrame]) -> tuple[list[Detections], list[str]]:
    """Find each frame's detections in a COCO file, by the stem of the file name.

    Args:
        path: a COCO object with ``images``, ``categories`` and scored ``annotations``.
        frames: the frames to look for.

    Returns:
        The detections of each frame, and the names of the frames that the file does not list; those have none.

    Raises:
        SonarDebrisError: when the file cannot be read or is not such an object.
    """
    try:
        coco = json.loads(path.read_text())
        by_stem = _group_by_stem(coco)
        names = {category["id"]: category["name"] for category in coco["categories"]}
        found = [_detections(by_stem.get(frame.name, []), names) for frame in frames]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SonarDebrisError(f"{path}: not a readable COCO file of detections ({reason})") from error
    return found, [frame.name for frame in frames if frame.name not in by_stem]


def _group_by_stem(coco: dict) -> dict[str, list[dict]]:
    stem = {image["id"]: Path(image["file_name"]).stem for image in coco["images"]}
    groups: dict[str, list[dict]] = {name: [] for name in stem.values()}
    for annotation in coco["annotations"]:
        groups[stem[annotation["image_id"]]].append(annotation)
    return groups


def _detections(annotations: list[dict], names: dict[int, str]) -> Detections:
    ordered = sorted(annotations, key=lambda annotation: -annotation["score"])
    column = {category: k for k, category in enumerate(names)}
    xywh = np.array([annotation["bbox"] for annotation in ordered], np.float32).reshape(-1, 4)
    score = np.array([annotation["score"] for annotation in ordered], np.float32)
    return Detections(
        xyxy=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        score=score,
        class_id=np.array([column[annotation["category_id"]] for annotation in ordered], np.int64),
        objectness=np.array([annotation.get("objectness", annotation["score"]) for annotation in ordered], np.float32),
        class_names=tuple(names.values()),
    )
