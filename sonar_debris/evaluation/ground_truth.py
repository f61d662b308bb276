"""Boxes in pycocotools' form: the truth, and whatever is held against it."""

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from pycocotools.coco import COCO


def ground_truth(frames: Sequence[LabelledFrame], class_names: Sequence[str]) -> "COCO":
    """Index the labelled boxes of some frames.

    Args:
        frames: the labelled frames; the i-th gets image id i + 1.
        class_names: the names that ``class_id`` points into; the k-th gets category id k + 1.

    Returns:
        The COCO index of the boxes.

    Raises:
        SonarDebrisError: when no frame has a box, for then there is nothing to score.
    """
    if not any(len(frame.xyxy) for frame in frames):
        raise SonarDebrisError(
            f"nothing to score: no labelled box in the frames chosen. Received: {len(frames)} frames"
        )
    return coco_index([frame.xyxy for frame in frames], [frame.class_id for frame in frames], class_names)


def coco_index(
    xyxy: Sequence[np.ndarray],
    class_id: Sequence[np.ndarray],
    class_names: Sequence[str],
    score: Sequence[np.ndarray] | None = None,
) -> "COCO":
    """Index boxes for pycocotools, without its prints.

    Args:
        xyxy: for each frame, ``(N, 4)`` boxes in pixels.
        class_id: for each frame, ``(N,)`` indices; one past the last name counts for no class.
        class_names: the names of the classes.
        score: for each frame, ``(N,)`` scores in [0, 1]; None for true boxes.

    Returns:
        A COCO index whose image, category and annotation ids count from 1.
    """
    from pycocotools.coco import COCO

    score = score or [np.ones(len(boxes)) for boxes in xyxy]
    frames = enumerate(zip(xyxy, class_id, score, strict=True), 1)
    boxes = [box for i, frame in frames for box in _annotations(i, *frame)]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i} for i in range(1, len(xyxy) + 1)],
        "categories": [{"id": k, "name": name} for k, name in enumerate(class_names, 1)],
        # pycocotools takes a match with annotation 0 for no match, so ids start at 1
        "annotations": [{"id": i, **box} for i, box in enumerate(boxes, 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _annotations(image_id: int, xyxy: np.ndarray, class_id: np.ndarray, score: np.ndarray) -> list[dict]:
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1).astype(float)
    return [
        {"image_id": image_id, "category_id": k + 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0, "score": s}
        for box, k, s in zip(xywh.tolist(), class_id.tolist(), score.tolist(), strict=True)
    ]
