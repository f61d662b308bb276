"""Class-agnostic recall of proposals, by their number per frame and by the IoU threshold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.evaluation.matching import COCO_IOU, MATCH_IOU, coco_index, coco_match, ground_truth

# Numbers of proposals per frame at which recall is reported.
PROPOSAL_LIMITS = (10, 30, 60, 100)


def recall_curves(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    limits: Sequence[int],
    iou_thresholds: np.ndarray = COCO_IOU,
) -> np.ndarray:
    """Compute class-agnostic recall; a proposal matches at most one object.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` boxes of proposals in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1]; the proposals of highest score are matched first.
        limits: L rising numbers of proposals per frame.
        iou_thresholds: ``(T,)`` least IoU of a match.

    Returns:
        ``(T, L)`` shares of the labelled boxes that are matched, in [0, 1].

    Raises:
        SonarDebrisError: no frame has a box.
    """
    class_agnostic = [replace(frame, class_id=np.zeros_like(frame.class_id)) for frame in frames]
    proposal_class = [np.zeros(len(boxes), np.int64) for boxes in xyxy]
    proposals = coco_index(xyxy, proposal_class, ["object"], score)
    matches = coco_match(ground_truth(class_agnostic, ["object"]), proposals, limits, iou_thresholds)
    recall: np.ndarray = matches.eval["recall"][:, 0, 0]
    return recall


def proposal_recall(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    limits: Sequence[int] = PROPOSAL_LIMITS,
) -> dict[int, float]:
    """Compute class-agnostic recall at IoU 0.5.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` boxes of proposals in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1]; the proposals of highest score are matched first.
        limits: rising numbers of proposals per frame.

    Returns:
        For each limit, the share of labelled boxes that so many proposals per frame match, in [0, 1].

    Raises:
        SonarDebrisError: no frame has a box.
    """
    (recall,) = recall_curves(frames, xyxy, score, limits, np.array([MATCH_IOU]))
    return dict(zip(limits, recall.tolist(), strict=True))


def recall_by_class(
    frames: Sequence[LabelledFrame],
    xyxy: Sequence[np.ndarray],
    score: Sequence[np.ndarray],
    class_names: Sequence[str],
    limits: Sequence[int] = PROPOSAL_LIMITS,
) -> dict[str, dict[int, float]]:
    """Compute recall of the objects of each class at IoU 0.5. The proposals have no class.

    Args:
        frames: the labelled frames.
        xyxy: for each frame, ``(N, 4)`` boxes of proposals in pixels.
        score: for each frame, ``(N,)`` scores in [0, 1].
        class_names: the names that ``class_id`` indexes.
        limits: rising numbers of proposals per frame.

    Returns:
        The result of `proposal_recall` for each class that has a labelled box.
    """
    present = np.unique(np.concatenate([frame.class_id for frame in frames]))
    return {
        class_names[class_id]: proposal_recall(_keep_class(frames, class_id), xyxy, score, limits)
        for class_id in present
    }


def _keep_class(frames: Sequence[LabelledFrame], class_id: int) -> list[LabelledFrame]:
    """Return the frames with only their boxes of a class."""
    masks = [frame.class_id == class_id for frame in frames]
    return [
        replace(frame, xyxy=frame.xyxy[mask], class_id=frame.class_id[mask])
        for frame, mask in zip(frames, masks, strict=True)
    ]
