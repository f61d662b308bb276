"""What a detector gets wrong, frame by frame, at one score threshold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.boxes import iou
from sonar_debris.detection.detections import Detections
from sonar_debris.evaluation.meeting import meet


@dataclass(frozen=True)
class Mistake:
    """An object that no box of the right name met, or a box that met no object.

    Attributes:
        frame: its index.
        xyxy: ``(4,)`` its box in pixels.
        class_id: its class.
        degree: how bad it is, in [0, 1]: of a missed object, how far off (1 - IoU) the nearest box of its name is; of
            a false alarm its score.
    """

    frame: int
    xyxy: np.ndarray
    class_id: int
    degree: float


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


def misses(frames: Sequence[LabelledFrame], detections: Sequence[Detections], overlap: float = 0.5) -> list[Mistake]:
    """The objects that no box of their name overlaps with this IoU.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each.
        overlap: the IoU, in [0, 1].
    """
    nearest = [
        (number, box, int(class_id), iou(box[None], found.xyxy[found.class_id == class_id]).max(initial=0))
        for number, (frame, found) in enumerate(zip(frames, detections, strict=True))
        for box, class_id in zip(frame.xyxy, frame.class_id, strict=True)
    ]
    return [Mistake(*which, float(1 - reached)) for *which, reached in nearest if reached < overlap]


def false_alarms(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], overlap: float = 0.5
) -> list[Mistake]:
    """The boxes that overlap no object with this IoU, whatever its class: some of these objects lack a label only.

    Args:
        frames: the labelled frames.
        detections: what counts as found in each.
        overlap: the IoU, in [0, 1].
    """
    return [
        Mistake(number, box, int(class_id), float(score))
        for number, (frame, found) in enumerate(zip(frames, detections, strict=True))
        for box, class_id, score in zip(found.xyxy, found.class_id, found.score, strict=True)
        if iou(box[None], frame.xyxy).max(initial=0) < overlap
    ]


def worst(mistakes: Iterable[Mistake], scenes: Sequence[str], limit: int) -> list[Mistake]:
    """The worst mistakes, one of each class in a scene: the frames of a scene show the same mistake many times.

    Args:
        mistakes: to choose from.
        scenes: that of each frame.
        limit: how many to give at most.
    """
    first: dict[tuple[str, int], Mistake] = {}
    for one in sorted(mistakes, key=lambda one: -one.degree):
        first.setdefault((scenes[one.frame], one.class_id), one)
    return list(first.values())[:limit]
