"""What a detector gets wrong, frame by frame, at one score threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.boxes import iou
from sonar_debris.detection.detections import Detections
from sonar_debris.evaluation.meeting import meet


@dataclass(frozen=True)
class Miss:
    """An object that no box of the right name met.

    Attributes:
        frame: its index.
        xyxy: ``(4,)`` its box in pixels.
        class_id: its class.
        overlap: the highest IoU of a box of its name, in [0, 1].
    """

    frame: int
    xyxy: np.ndarray
    class_id: int
    overlap: float


def confusion_pairs(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """True and given classes of objects and boxes, paired at IoU 0.5 whatever they are called.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each, best first; the class ``classes`` is unknown.
        classes: number of classes.

    Returns:
        ``(P,)`` true and ``(P,)`` given classes; ``classes + 1`` is nothing: given for an object that is missed, true
        for a box that meets no object.
    """
    nothing = classes + 1
    true, given = [], []
    for frame, found in zip(frames, detections, strict=True):
        pairs = meet(frame.xyxy, found.xyxy)
        missed = np.setdiff1d(np.arange(len(frame.xyxy)), pairs)
        met = np.where(pairs >= 0, np.append(frame.class_id, nothing)[pairs], nothing)
        true += [met, frame.class_id[missed]]
        given += [found.class_id, np.full(len(missed), nothing)]
    return np.concatenate(true), np.concatenate(given)


def worst_misses(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], limit: int, overlap: float = 0.5
) -> list[Miss]:
    """The missed objects, those first that boxes of their name come least near.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each.
        limit: how many to give at most.
        overlap: an object is missed if no box of its name overlaps it with this IoU.
    """
    nearest = [
        Miss(number, box, int(class_id), float(iou(box[None], found.xyxy[found.class_id == class_id]).max(initial=0)))
        for number, (frame, found) in enumerate(zip(frames, detections, strict=True))
        for box, class_id in zip(frame.xyxy, frame.class_id, strict=True)
    ]
    return sorted((one for one in nearest if one.overlap < overlap), key=lambda one: one.overlap)[:limit]
