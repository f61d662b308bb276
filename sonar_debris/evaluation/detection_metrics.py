"""The figures of a detector: average precision, recall and best F1.

MERGED:
The figures of a detector for objects of one size, and for frames of one scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.boxes import area
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.evaluation.average_precision import (
    OperatingPoint,
    best_operating_point,
    precision_recall,
    scored_hits,
)
from sonar_debris.evaluation.calibration import detection_calibration_error
from sonar_debris.evaluation.matching import coco_index, ground_truth, match
from sonar_debris.evaluation.proposal_recall import proposal_recall

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

COMMON_BOXES = 10


@dataclass(frozen=True)
class DetectionMetrics:
    """How well detections meet the labelled boxes. Shares are in [0, 1]; dictionaries are keyed by class name.

    Attributes:
        frames: number of frames scored.
        detections: number of detections with a name of the data.
        unknown: number of detections without.
        boxes: number of true boxes, for each class that has any.
        map50: mean over those classes of the average precision at IoU 0.5.
        map50_95: the same, averaged over IoU 0.5, 0.55 … 0.95.
        map50_common: ``map50`` over the classes with at least 10 boxes; None where there is none.
        map50_95_common: ``map50_95`` over those.
        ap50: average precision at IoU 0.5.
        ap50_95: average precision over IoU 0.5 … 0.95.
        recall50: number of detections a frame → class-agnostic recall at IoU 0.5, unknown ones included.
        best: the threshold of the best F1 at IoU 0.5, names included.
        calibration_error: expected calibration error of the named detections that score ``CALIBRATED_FROM`` or more,
            right being an object of that name at IoU 0.5; None where there is none.
    """

    frames: int
    detections: int
    unknown: int
    boxes: dict[str, int]
    map50: float
    map50_95: float
    map50_common: float | None
    map50_95_common: float | None
    ap50: dict[str, float]
    ap50_95: dict[str, float]
    recall50: dict[int, float]
    best: OperatingPoint
    calibration_error: float | None


def detection_metrics(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str]
) -> DetectionMetrics:
    """Score detections with pycocotools (Lin et al. 2014, arXiv 1405.0312: 101-point average precision).

    Args:
        frames: the labelled frames.
        detections: what was found in each of them, at every score, or the curve is cut short. Classes are
            paired by name; a name that the data does not have counts as unknown.
        class_names: the names that the frames' ``class_id`` points into.

    Returns:
        The figures.

    Raises:
        SonarDebrisError: when no frame has a box.
    """
    named = [align_class_names(found, class_names) for found in detections]
    xyxy, score, class_id = ([getattr(found, part) for found in named] for part in ("xyxy", "score", "class_id"))
    matches = match_detections(frames, named, class_names)
    ap = matches.eval["precision"][:, :, :, 0, -1].mean(axis=1)  # (IoU, classes)
    boxes = np.bincount(np.concatenate([frame.class_id for frame in frames]), minlength=len(class_names))
    unknown = sum(int(np.sum(found == len(class_names))) for found in class_id)
    return DetectionMetrics(
        frames=len(frames),
        detections=sum(map(len, named)) - unknown,
        unknown=unknown,
        boxes={class_names[k]: int(boxes[k]) for k in np.flatnonzero(boxes)},
        map50=_mean(ap[0], boxes > 0),
        map50_95=_mean(ap.mean(axis=0), boxes > 0),
        map50_common=_mean(ap[0], boxes >= COMMON_BOXES),
        map50_95_common=_mean(ap.mean(axis=0), boxes >= COMMON_BOXES),
        ap50={class_names[k]: float(ap[0, k]) for k in np.flatnonzero(boxes)},
        ap50_95={class_names[k]: float(ap[:, k].mean()) for k in np.flatnonzero(boxes)},
        recall50=proposal_recall(frames, xyxy, score),
        best=best_operating_point(precision_recall(matches)),
        calibration_error=detection_calibration_error(*scored_hits(matches)),
    )


def match_detections(
    frames: Sequence[LabelledFrame], named: Sequence[Detections], class_names: Sequence[str], **how
) -> "COCOeval":
    """Pair detections with the labelled boxes of their class.

    Args:
        frames: the labelled frames.
        named: what was found in each, as `align_class_names` gives it.
        class_names: the names that the ``class_id`` of both point into.
        **how: passed on to `match`.
    """
    xyxy, class_id, score = ([getattr(found, part) for found in named] for part in ("xyxy", "class_id", "score"))
    return match(ground_truth(frames, class_names), coco_index(xyxy, class_id, class_names, score), **how)


def align_class_names(detections: Detections, class_names: Sequence[str]) -> Detections:
    """Point ``class_id`` into other class names, by name whatever its case; other names become unknown."""
    index = {name.lower(): k for k, name in enumerate(class_names)}
    known = np.array([index.get(name.lower(), len(class_names)) for name in detections.class_names], np.int64)
    return Detections(
        detections.xyxy,
        detections.score,
        known[detections.class_id],
        detections.objectness,
        (*class_names, UNKNOWN),
    )


def _mean(ap: np.ndarray, chosen: np.ndarray) -> float | None:
    return float(ap[chosen].mean()) if chosen.any() else None


# Side of the square with an object's area, in pixels: least and highest of each range.
SIZES = {"under 32 px": (0, 32), "32 to 64 px": (32, 64), "64 to 128 px": (64, 128), "over 128 px": (128, 1e5)}


@dataclass(frozen=True)
class SubsetMetrics:
    """Figures of some of the objects.

    Attributes:
        boxes: number of those objects.
        map50: mean average precision at IoU 0.5 over the classes that they are of, in [0, 1].
        recall50: mean over those classes of the share that a box of the right name meets at IoU 0.5, at any score.
    """

    boxes: int
    map50: float
    recall50: float


def metrics_by_size(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str]
) -> dict[str, SubsetMetrics]:
    """Figures of the objects of each size that has any; found boxes of another size that meet none do not count.

    Args:
        frames: the labelled frames.
        detections: what was found in each, as `rename` gives it.
        class_names: the names of the classes.
    """
    areas = [(low**2, high**2) for low, high in SIZES.values()]
    precision, recall = _evaluate(frames, detections, class_names, areas=areas)
    size = np.sqrt(np.concatenate([area(frame.xyxy) for frame in frames]))
    boxes = [int(((size >= low) & (size < high)).sum()) for low, high in SIZES.values()]
    return {
        name: SubsetMetrics(boxes[k], *_means(precision[..., k], recall[..., k]))
        for k, name in enumerate(SIZES)
        if boxes[k]
    }


def metrics_by_scene(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    scenes: Sequence[str],
) -> dict[str, SubsetMetrics]:
    """Figures of the frames of each scene that shows an object.

    Args:
        frames: N labelled frames.
        detections: what was found in each, as `rename` gives it.
        class_names: the names of the classes.
        scenes: ``(N,)`` the scene of each frame.
    """
    shares = {}
    for scene in sorted(set(scenes)):
        chosen = [number for number, one in enumerate(scenes) if one == scene]
        some, found = [frames[number] for number in chosen], [detections[number] for number in chosen]
        boxes = sum(len(frame.xyxy) for frame in some)
        if boxes:
            precision, recall = _evaluate(some, found, class_names)
            shares[scene] = SubsetMetrics(boxes, *_means(precision[..., 0], recall[..., 0]))
    return shares


def _evaluate(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str], **how
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and recall at IoU 0.5, each ``(classes, areas)``; -1 where there is no such object."""
    run = match_detections(frames, detections, class_names, limits=(100,), iou=np.array([0.5]), **how)
    return run.eval["precision"][0, :, :, :, -1].mean(axis=0), run.eval["recall"][0, :, :, -1]


def _means(precision: np.ndarray, recall: np.ndarray) -> tuple[float, float]:
    there = precision >= 0
    return float(precision[there].mean()), float(recall[there].mean())
