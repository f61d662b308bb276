"""Metrics of a detector: average precision, recall, best F1 and calibration; overall, by object size and by scene."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from sonar_debris.evaluation.matching import (
    ANY_AREA,
    COCO_IOU,
    COCO_LIMITS,
    MATCH_IOU,
    coco_index,
    coco_match,
    ground_truth,
)
from sonar_debris.evaluation.proposal_recall import proposal_recall

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

# The average precision of a class of fewer boxes is mostly chance: ``map50_common`` leaves such classes out.
COMMON_BOXES = 10
# Ranges of the side of the square that has an object's area, in pixels: lowest, and first above.
SIZES = {"under 32 px": (0, 32), "32 to 64 px": (32, 64), "64 to 128 px": (64, 128), "over 128 px": (128, 1e5)}


@dataclass(frozen=True)
class DetectionMetrics:
    """How well detections match the labelled boxes. Shares are in [0, 1]; dictionaries are keyed by class name.

    Attributes:
        frames: number of frames.
        detections: number of detections of a class of the data.
        unknown: number of detections without such a class.
        boxes: number of labelled boxes, for each class that has any.
        map50: mean over these classes of the average precision at IoU 0.5.
        map50_95: the same, averaged over IoU 0.5, 0.55 … 0.95.
        map50_common: ``map50`` over the classes with at least `COMMON_BOXES` boxes; None if there is no such class.
        map50_95_common: ``map50_95`` over these classes.
        ap50: average precision at IoU 0.5.
        ap50_95: average precision over IoU 0.5 … 0.95.
        recall50: number of detections per frame → class-agnostic recall at IoU 0.5; unknown detections count.
        best: the operating point of the best F1 at IoU 0.5, where box and class must be right.
        calibration_error: expected calibration error of the detections of a class that score
            `sonar_debris.evaluation.calibration.MIN_CALIBRATION_SCORE` or more; a detection is right if it matches an
            object of its class at IoU 0.5. None if there are no such detections.
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


@dataclass(frozen=True)
class SubsetMetrics:
    """Metrics of a subset of the objects.

    Attributes:
        boxes: number of these objects.
        map50: mean average precision at IoU 0.5 over their classes, in [0, 1].
        recall50: mean over their classes of the share that a detection of the right class matches at IoU 0.5, at any
            score.
    """

    boxes: int
    map50: float
    recall50: float


def evaluate_detections(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str]
) -> DetectionMetrics:
    """Compare detections with labelled boxes, by pycocotools' 101-point average precision.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame. They must be complete, down to the lowest scores, or the
            precision-recall curve is cut short. Classes are paired by name, ignoring case; a class that the data does
            not have counts as unknown.
        class_names: the names that the frames' ``class_id`` indexes.

    Returns:
        The metrics.

    Raises:
        SonarDebrisError: no frame has a box.
        ValueError: the numbers of frames and of detections differ.

    Reference:
        Lin et al., Microsoft COCO: Common Objects in Context, 2014, arXiv:1405.0312.
    """
    aligned = align_class_names(detections, class_names)
    matches = match_detections(frames, aligned, class_names)
    precision: np.ndarray = matches.eval["precision"][:, :, :, 0, -1].mean(axis=1)  # (IoU, classes)
    precision50, precision50_95 = precision[0], precision.mean(axis=0)
    boxes = np.bincount(np.concatenate([frame.class_id for frame in frames]), minlength=len(class_names))
    present = [int(class_id) for class_id in np.flatnonzero(boxes)]
    unknown = sum(int(np.sum(part.class_id == len(class_names))) for part in aligned)
    recall50 = proposal_recall(frames, [part.xyxy for part in aligned], [part.score for part in aligned])
    return DetectionMetrics(
        frames=len(frames),
        detections=sum(map(len, aligned)) - unknown,
        unknown=unknown,
        boxes={class_names[class_id]: int(boxes[class_id]) for class_id in present},
        map50=float(precision50[boxes > 0].mean()),
        map50_95=float(precision50_95[boxes > 0].mean()),
        map50_common=_mean_or_none(precision50[boxes >= COMMON_BOXES]),
        map50_95_common=_mean_or_none(precision50_95[boxes >= COMMON_BOXES]),
        ap50={class_names[class_id]: float(precision50[class_id]) for class_id in present},
        ap50_95={class_names[class_id]: float(precision[:, class_id].mean()) for class_id in present},
        recall50=recall50,
        best=best_operating_point(precision_recall(matches)),
        calibration_error=detection_calibration_error(*scored_hits(matches)),
    )


def _mean_or_none(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def align_class_names(detections: Sequence[Detections], class_names: Sequence[str]) -> list[Detections]:
    """Make detections index the given class names. Classes are paired by name, ignoring case.

    Args:
        detections: detections of any class names.
        class_names: the K names to index.

    Returns:
        The detections, with ``class_id`` K (unknown) where ``class_names`` lacks the class. Detections that are
        aligned already stay as they are.
    """
    index = {name.lower(): class_id for class_id, name in enumerate(class_names)}
    aligned = []
    for part in detections:
        new_id = np.array([index.get(name.lower(), len(class_names)) for name in part.class_names], np.int64)
        aligned.append(replace(part, class_id=new_id[part.class_id], class_names=(*class_names, UNKNOWN)))
    return aligned


def match_detections(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    limits: Sequence[int] = COCO_LIMITS,
    iou_thresholds: np.ndarray = COCO_IOU,
    areas: Sequence[tuple[float, float]] = ANY_AREA,
) -> "COCOeval":
    """Match detections with the labelled boxes of their class.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame, with any class names.
        class_names: the names that the frames' ``class_id`` indexes.
        limits: numbers of detections per frame and class that are matched.
        iou_thresholds: ``(T,)`` least IoU of a match.
        areas: ranges of areas in square pixels; each is evaluated on its own.

    Returns:
        The result of `sonar_debris.evaluation.matching.coco_match`.

    Raises:
        SonarDebrisError: no frame has a box.
        ValueError: the numbers of frames and of detections differ.
    """
    aligned = align_class_names(detections, class_names)
    predictions = coco_index(
        [part.xyxy for part in aligned],
        [part.class_id for part in aligned],
        class_names,
        [part.score for part in aligned],
    )
    return coco_match(ground_truth(frames, class_names), predictions, limits, iou_thresholds, areas)


def metrics_by_size(
    frames: Sequence[LabelledFrame], detections: Sequence[Detections], class_names: Sequence[str]
) -> dict[str, SubsetMetrics]:
    """Evaluate the objects of each size. Detections of another size that match no object do not count.

    Args:
        frames: the labelled frames.
        detections: the detections of each frame.
        class_names: the names that the frames' ``class_id`` indexes.

    Returns:
        The metrics of each of `SIZES` that has an object.
    """
    areas = [(low**2, high**2) for low, high in SIZES.values()]
    precision, recall = _evaluate_areas(frames, detections, class_names, areas)
    side = np.sqrt(np.concatenate([area(frame.xyxy) for frame in frames]))
    metrics = {}
    for index, (name, (low, high)) in enumerate(SIZES.items()):
        boxes = int(((side >= low) & (side < high)).sum())
        if boxes:
            metrics[name] = _subset_metrics(boxes, precision[:, index], recall[:, index])
    return metrics


def metrics_by_scene(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    scenes: Sequence[str],
) -> dict[str, SubsetMetrics]:
    """Evaluate the frames of each scene.

    Args:
        frames: N labelled frames.
        detections: the detections of each frame.
        class_names: the names that the frames' ``class_id`` indexes.
        scenes: ``(N,)`` the scene of each frame.

    Returns:
        The metrics of each scene that shows an object, sorted by scene.
    """
    metrics = {}
    for scene in sorted(set(scenes)):
        indices = [index for index, frame_scene in enumerate(scenes) if frame_scene == scene]
        scene_frames = [frames[index] for index in indices]
        boxes = sum(len(frame.xyxy) for frame in scene_frames)
        if boxes:
            scene_detections = [detections[index] for index in indices]
            precision, recall = _evaluate_areas(scene_frames, scene_detections, class_names, ANY_AREA)
            metrics[scene] = _subset_metrics(boxes, precision[:, 0], recall[:, 0])
    return metrics


def _evaluate_areas(
    frames: Sequence[LabelledFrame],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    areas: Sequence[tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return average precision and recall at IoU 0.5, both ``(classes, areas)``; -1 where there is no such object."""
    thresholds = np.array([MATCH_IOU])
    matches = match_detections(frames, detections, class_names, COCO_LIMITS[-1:], thresholds, areas)
    return matches.eval["precision"][0, :, :, :, -1].mean(axis=0), matches.eval["recall"][0, :, :, -1]


def _subset_metrics(boxes: int, precision: np.ndarray, recall: np.ndarray) -> SubsetMetrics:
    """Average over the classes that have an object."""
    present = precision >= 0
    return SubsetMetrics(boxes, float(precision[present].mean()), float(recall[present].mean()))
