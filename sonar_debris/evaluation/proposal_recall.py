"""The share of objects that the first proposals of a frame cover, whatever their names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.evaluation.recall_curves import recall_curves

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
