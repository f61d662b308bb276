"""The share of objects that proposals cover, against their number and against the overlap asked for.

MERGED:
The share of objects that the first proposals of a frame cover, whatever their names.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.evaluation.matching import COCO_IOU, coco_index, ground_truth, match


def recall_curves(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    limits: Sequence[int],
    iou: np.ndarray = COCO_IOU,
) -> np.ndarray:
    """Class-agnostic recall; a proposal covers one object at most.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` proposed boxes in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1]; the best are looked at first.
        limits: L rising numbers of proposals a frame.
        iou: ``(T,)`` least overlaps.

    Returns:
        ``(T, L)`` shares of the true boxes in [0, 1].

    Raises:
        SonarDebrisError: when no frame has a box.
    """
    objects = [LabelledFrame(f.name, f.path, f.xyxy, np.zeros_like(f.class_id)) for f in frames]
    nameless = [np.zeros(len(boxes), np.int64) for boxes in xyxy]
    found = coco_index(xyxy, nameless, ["object"], score)
    return match(ground_truth(objects, ["object"]), found, limits, iou).eval["recall"][:, 0, 0]


PROPOSAL_LIMITS = (10, 30, 60, 100)


def proposal_recall(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    limits: Sequence[int] = PROPOSAL_LIMITS,
) -> dict[int, float]:
    """Class-agnostic recall at IoU 0.5.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` proposed boxes in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1]; the best are looked at first.
        limits: rising numbers of proposals a frame.

    Returns:
        For each limit, the share of true boxes in [0, 1] matched by that many proposals a frame.

    Raises:
        SonarDebrisError: when no frame has a box.
    """
    (recall,) = recall_curves(frames, xyxy, score, limits, np.array([0.5]))
    return dict(zip(limits, recall.tolist(), strict=True))


def recall_by_class(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    class_names: Sequence[str],
    limits: Sequence[int] = PROPOSAL_LIMITS,
) -> dict[str, dict[int, float]]:
    """`proposal_recall` of the objects of each class that has any: proposals have no class.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` proposed boxes in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1].
        class_names: the names that ``class_id`` points into.
        limits: rising numbers of proposals a frame.
    """
    shown = np.unique(np.concatenate([frame.class_id for frame in frames]))
    return {class_names[k]: proposal_recall(_only(frames, k), xyxy, score, limits) for k in shown}


def _only(frames: Sequence[LabelledFrame], class_id: int) -> list[LabelledFrame]:
    masks = [frame.class_id == class_id for frame in frames]
    return [
        replace(frame, xyxy=frame.xyxy[mask], class_id=frame.class_id[mask])
        for frame, mask in zip(frames, masks, strict=True)
    ]
