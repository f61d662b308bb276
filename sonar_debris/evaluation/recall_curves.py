"""The share of objects that proposals cover, against their number and against the overlap asked for."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.evaluation.ground_truth import coco_index, ground_truth
from sonar_debris.evaluation.matching import COCO_IOU, match


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
