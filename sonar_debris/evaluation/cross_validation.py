"""Tells whether a model may have seen in training what it is about to be scored on.

MERGED:
Reads the detections of a ``detections.coco.json`` back, frame by frame.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError


def training_overlap(trained_on: Mapping, split: str, parts: Collection[str]) -> str | None:
    """One line of warning, or None where the parts chosen are the ones that training held out.

    Args:
        trained_on: the entry ``data`` of a ``model.json``: its ``split`` and, for the scene split, its
            ``test_fold``. Empty where the model does not say.
        split: the split chosen for the evaluation, ``"scene"`` or ``"random"``.
        parts: its folds ``"0"`` … ``"4"``, or its parts ``"train"``, ``"val"``, ``"test"``.
    """
    trained_split = trained_on.get("split")
    held_out = {"scene": trained_on.get("test_fold"), "random": "test"}.get(trained_split)
    if held_out is None:
        return "these figures may not be honest: the model does not say what it was trained on"
    if trained_split == split and set(parts) == {str(held_out)}:
        return None
    return (
        "these figures are not honest: the model was trained on some of what it is scored on; "
        f"only part {held_out} of the {trained_split} split was held out"
    )


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
