"""Match predicted boxes with labelled boxes: class-agnostic and greedy, or class by class as COCO does.

pycocotools prints what it does; here it is silenced.

Reference:
    Lin et al., Microsoft COCO: Common Objects in Context, 2014, arXiv:1405.0312.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

# Least IoU of a box and the object that it matches.
MATCH_IOU = 0.5
# The IoU thresholds over which mAP@[.5:.95] is averaged.
COCO_IOU = np.linspace(0.5, 0.95, 10)
# The limits of COCO: boxes per frame and class that are matched, best first.
COCO_LIMITS = (1, 10, 100)
# Boxes of every size count: COCO's small, medium and large mean nothing in a sonar frame.
ANY_AREA = ((0.0, 1e10),)


def greedy_match(true_xyxy: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
    """Match boxes with objects regardless of class: each box takes the free object that it overlaps most.

    Args:
        true_xyxy: ``(M, 4)`` boxes of objects.
        xyxy: ``(N, 4)`` predicted boxes, best score first.

    Returns:
        ``(N,)`` indices into ``true_xyxy``, each at most once; -1 for a box that overlaps no free object by
        `MATCH_IOU`.

    Example:
        >>> true_xyxy = np.array([[0, 0, 10, 10]])
        >>> greedy_match(true_xyxy, np.array([[0, 0, 10, 9], [0, 0, 10, 10]]))
        array([ 0, -1])
    """
    overlap = iou(xyxy, true_xyxy)
    matches = np.full(len(xyxy), -1)
    for index in range(len(xyxy) if len(true_xyxy) else 0):
        best = overlap[index].argmax()
        if overlap[index, best] >= MATCH_IOU:
            matches[index] = best
            overlap[:, best] = 0  # an object is matched once
    return matches


def ground_truth(frames: Sequence[LabelledFrame], class_names: Sequence[str]) -> "COCO":
    """Index the labelled boxes of frames for pycocotools.

    Args:
        frames: the labelled frames; frame i gets the image id i + 1.
        class_names: the names that ``class_id`` indexes; class k gets the category id k + 1.

    Returns:
        The COCO index of the boxes.

    Raises:
        SonarDebrisError: no frame has a box, so nothing can be scored.
    """
    if not any(len(frame.xyxy) for frame in frames):
        raise SonarDebrisError(
            f"nothing to score: no labelled box in the chosen frames. Received: {len(frames)} frames"
        )
    return coco_index([frame.xyxy for frame in frames], [frame.class_id for frame in frames], class_names)


def coco_index(
    xyxy: Sequence[np.ndarray],
    class_id: Sequence[np.ndarray],
    class_names: Sequence[str],
    score: Sequence[np.ndarray] | None = None,
) -> "COCO":
    """Index boxes for pycocotools.

    Args:
        xyxy: for each frame, ``(N, 4)`` boxes in pixels.
        class_id: for each frame, ``(N,)`` indices into ``class_names``; boxes of the index ``len(class_names)``
            belong to no class and are not matched.
        class_names: the names of the classes.
        score: for each frame, ``(N,)`` scores in [0, 1]; None for labelled boxes.

    Returns:
        A COCO index whose image, category and annotation ids count from 1.
    """
    from pycocotools.coco import COCO

    scores = score or [np.ones(len(boxes)) for boxes in xyxy]
    annotations = [
        annotation
        for image_id, (boxes, classes, box_scores) in enumerate(zip(xyxy, class_id, scores, strict=True), 1)
        for annotation in _annotations(image_id, boxes, classes, box_scores)
    ]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image_id} for image_id in range(1, len(xyxy) + 1)],
        "categories": [{"id": category_id, "name": name} for category_id, name in enumerate(class_names, 1)],
        # pycocotools reads a match with annotation 0 as no match, so ids start at 1.
        "annotations": [{"id": number, **annotation} for number, annotation in enumerate(annotations, 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _annotations(image_id: int, xyxy: np.ndarray, class_id: np.ndarray, score: np.ndarray) -> list[dict[str, Any]]:
    """Return COCO annotations in full precision: rounded as for a file, equal boxes would no longer match exactly."""
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1).astype(float)
    return [
        {
            "image_id": image_id,
            "category_id": box_class + 1,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "score": box_score,
        }
        for box, box_class, box_score in zip(xywh.tolist(), class_id.tolist(), score.tolist(), strict=True)
    ]


def coco_match(
    truth: "COCO",
    predictions: "COCO",
    limits: Sequence[int] = COCO_LIMITS,
    iou_thresholds: np.ndarray = COCO_IOU,
    areas: Sequence[tuple[float, float]] = ANY_AREA,
) -> "COCOeval":
    """Match boxes class by class and frame by frame, best score first, each labelled box at most once.

    Args:
        truth: the labelled boxes.
        predictions: the boxes to score, of the same frames and classes.
        limits: numbers of boxes per frame and class, best first, that are matched.
        iou_thresholds: ``(T,)`` least IoU of a match.
        areas: A ranges of areas in square pixels; each is evaluated on its own.

    Returns:
        The accumulated evaluation. Its ``eval["precision"]`` has the shape ``(T, 101, classes, A, limits)``, and its
        ``eval["recall"]`` the shape ``(T, classes, A, limits)``; -1 where a class has no labelled box.

    Raises:
        ValueError: the numbers of frames differ.
    """
    from pycocotools.cocoeval import COCOeval

    if len(truth.imgs) != len(predictions.imgs):
        raise ValueError(
            f"one array of boxes per frame is needed. Received: {len(predictions.imgs)} for {len(truth.imgs)} frames"
        )

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, predictions, "bbox")
        evaluation.params.iouThrs = iou_thresholds
        evaluation.params.maxDets = list(limits)
        evaluation.params.areaRng = [list(area) for area in areas]
        evaluation.params.areaRngLbl = [str(area) for area in areas]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
