"""The share of objects that the first proposals of a frame cover, whatever their names."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.evaluation.ground_truth import coco_index, ground_truth
from sonar_debris.evaluation.matching import match

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
        limits: numbers of proposals a frame.

    Returns:
        For each limit, the share of true boxes in [0, 1] matched by that many proposals a frame.

    Raises:
        SonarDebrisError: when no frame has a box.
    """
    objects = [LabelledFrame(f.name, f.path, f.xyxy, np.zeros_like(f.class_id)) for f in frames]
    nameless = [np.zeros(len(boxes), np.int64) for boxes in xyxy]
    found = coco_index(xyxy, nameless, ["object"], score)
    recall = match(ground_truth(objects, ["object"]), found, limits, np.array([0.5])).eval["recall"]
    return dict(zip(limits, recall[0, 0, 0].tolist(), strict=True))
