"""Which box meets which object, whatever they are called.

MERGED:
Boxes in pycocotools' form: the truth, and whatever is held against it.
---
Pairs found boxes with true ones, as COCO does.
"""

import contextlib
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError

if TYPE_CHECKING:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval


def greedy_match(true: np.ndarray, xyxy: np.ndarray, overlap: float = 0.5) -> np.ndarray:
    """For each box, best first, the free object that it overlaps most.

    Args:
        true: ``(M, 4)`` boxes of objects.
        xyxy: ``(N, 4)`` found boxes, best first.
        overlap: least IoU.

    Returns:
        ``(N,)`` indices into ``true``, each at most once; -1 for a box that meets none.
    """
    shared = iou(xyxy, true)
    pairs = np.full(len(xyxy), -1)
    for number in range(len(xyxy) if len(true) else 0):
        best = shared[number].argmax()
        if shared[number, best] >= overlap:
            pairs[number] = best
            shared[:, best] = 0  # each object is met once
    return pairs


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


COCO_IOU = np.linspace(0.5, 0.95, 10)


# Boxes of every size count: COCO's small, medium and large mean nothing in a sonar frame.
ANY_AREA = ((0.0, 1e10),)


def match(
    truth: "COCO",
    found: "COCO",
    limits: Sequence[int] = (1, 10, 100),
    iou: np.ndarray = COCO_IOU,
    areas: Sequence[tuple[float, float]] = ANY_AREA,
) -> "COCOeval":
    """Match by falling score, class by class and frame by frame, each true box at most once.

    Args:
        truth: the true boxes.
        found: the boxes to score, of the same frames and classes.
        limits: how many boxes a frame and class are looked at, for each figure.
        iou: ``(T,)`` least IoU of a match.
        areas: A ranges of areas, in square pixels, that are looked at one by one.

    Returns:
        The accumulated evaluation. Its ``eval["precision"]`` is ``(T, 101, classes, A, limits)`` and its
        ``eval["recall"]`` is ``(T, classes, A, limits)``; -1 where a class has no true box.

    Raises:
        ValueError: when both are not of the same number of frames.
    """
    from pycocotools.cocoeval import COCOeval

    if len(truth.imgs) != len(found.imgs):
        raise ValueError(
            f"one array of boxes a frame is needed. Received: {len(found.imgs)} for {len(truth.imgs)} frames"
        )

    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(truth, found, "bbox")
        run.params.iouThrs = iou
        run.params.maxDets = list(limits)
        run.params.areaRng, run.params.areaRngLbl = [list(each) for each in areas], [str(each) for each in areas]
        run.evaluate()
        run.accumulate()
    return run
