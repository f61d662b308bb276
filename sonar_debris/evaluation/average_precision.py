"""Precision-recall curves, the threshold of the best F1, and bootstrap intervals of mean average precision.

Frames of one scene are near-copies of each other, so the bootstrap draws whole scenes (cluster bootstrap). Drawing
single frames would treat the copies as independent samples, and give intervals that are far too narrow.

Reference:
    Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (hierarchical data).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

# The recalls at which COCO samples precision.
RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of all classes together as the score threshold falls.

    Attributes:
        threshold: ``(N,)`` the distinct scores, falling; detections of at least this score count.
        precision: ``(N,)`` in [0, 1].
        recall: ``(N,)`` in [0, 1], rising.
    """

    threshold: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def f1(self) -> np.ndarray:
        """``(N,)`` harmonic mean of precision and recall, in [0, 1]; 0 where both are 0."""
        return 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-9)


@dataclass(frozen=True)
class OperatingPoint:
    """A point of a precision-recall curve.

    Attributes:
        threshold: least score of the detections that count; None for a curve without points.
        precision: in [0, 1].
        recall: in [0, 1].
        f1: in [0, 1].
    """

    threshold: float | None
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval.

    Attributes:
        low: 2.5th percentile.
        high: 97.5th percentile.
    """

    low: float
    high: float


@dataclass(frozen=True)
class RankedDetections:
    """The detections of one class, best score first.

    Attributes:
        frame: ``(N,)`` index of each detection's frame.
        hit: ``(T, N)`` bool, whether the detection matches an object, at each IoU threshold.
        boxes: ``(frames,)`` number of labelled boxes of the class in each frame.
    """

    frame: np.ndarray
    hit: np.ndarray
    boxes: np.ndarray


def precision_recall(matches: "COCOeval") -> PrecisionRecall:
    """Return the precision-recall curve at the first IoU threshold.

    Args:
        matches: result of `sonar_debris.evaluation.matching.coco_match`.
    """
    score, hit = scored_hits(matches)
    boxes = sum(len(pair["gtIds"]) for pair in matches.evalImgs if pair is not None)
    order = np.argsort(-score, kind="stable")
    # A threshold cannot separate equal scores, so only the last of each run of them is a point of the curve.
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))
    hits = np.cumsum(hit[order])[last]
    return PrecisionRecall(score[order][last], hits / (last + 1), hits / boxes)


def scored_hits(matches: "COCOeval") -> tuple[np.ndarray, np.ndarray]:
    """Return the scores ``(N,)`` of all classified detections, and whether each matches at the first IoU threshold.

    Args:
        matches: result of `sonar_debris.evaluation.matching.coco_match`.
    """
    pairs = [pair for pair in matches.evalImgs if pair is not None]
    score = np.concatenate([pair["dtScores"] for pair in pairs])
    return score, np.concatenate([pair["dtMatches"][0] > 0 for pair in pairs])


def best_operating_point(curve: PrecisionRecall) -> OperatingPoint:
    """Return the point of the highest F1; among equal points, the one of the highest threshold."""
    if not len(curve.threshold):
        return OperatingPoint(None, 0.0, 0.0, 0.0)
    best = int(np.argmax(curve.f1))
    return OperatingPoint(
        threshold=float(curve.threshold[best]),
        precision=float(curve.precision[best]),
        recall=float(curve.recall[best]),
        f1=float(curve.f1[best]),
    )


def bootstrap_map(matches: "COCOeval", scenes: Sequence[str], draws: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """Estimate confidence intervals of mAP@0.5 and mAP@[.5:.95] by drawing scenes with replacement.

    Args:
        matches: result of `sonar_debris.evaluation.matching.coco_match` for N frames, with IoU 0.5 first.
        scenes: ``(N,)`` the scene of each frame.
        draws: number of draws; each draws as many scenes as there are.
        seed: seed of the draws.

    Returns:
        The intervals ``map50`` and ``map50_95``. The mean of a draw is over the classes that have a box in it.
    """
    ranked = rank_detections(matches)
    _, scene_of_frame = np.unique(scenes, return_inverse=True)
    rng = np.random.default_rng(seed)
    count = scene_of_frame.max() + 1
    means = []
    for _ in range(draws):
        scene_weight = np.bincount(rng.integers(count, size=count), minlength=count)
        mean = mean_average_precision(ranked, scene_weight[scene_of_frame])
        if len(mean):
            means.append(mean)
    means_by_iou = np.array(means)
    samples = {"map50": means_by_iou[:, 0], "map50_95": means_by_iou.mean(axis=1)}
    return {name: Interval(*np.percentile(values, [2.5, 97.5]).tolist()) for name, values in samples.items()}


def mean_average_precision(ranked: Sequence[RankedDetections], weight: np.ndarray) -> np.ndarray:
    """Return mean average precision where each frame counts a number of times.

    Args:
        ranked: the ranked detections of each class.
        weight: ``(frames,)`` how often each frame counts.

    Returns:
        ``(T,)`` means over the classes that have a box, in [0, 1]; empty if no class has a box.
    """
    precisions = [_average_precision(detections, weight) for detections in ranked if detections.boxes @ weight]
    return np.mean(precisions, axis=0) if precisions else np.zeros(0)


def _average_precision(ranked: RankedDetections, weight: np.ndarray) -> np.ndarray:
    """Return the 101-point average precision ``(T,)`` of a class where each frame counts ``weight`` times."""
    detection_weight = weight[ranked.frame]
    hits = np.cumsum(ranked.hit * detection_weight, axis=1)
    precision = hits / np.maximum(np.cumsum(detection_weight), 1)
    # The best precision at this recall or a higher one; beyond the highest recall it is 0.
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.pad(best, [(0, 0), (0, 1)])
    recall = hits / (ranked.boxes @ weight)
    return np.array(
        [
            iou_precision[np.searchsorted(iou_recall, RECALLS - 1e-12)].mean()
            for iou_precision, iou_recall in zip(best, recall, strict=True)
        ]
    )


def rank_detections(matches: "COCOeval") -> list[RankedDetections]:
    """Return the ranked detections of each class that has a labelled box or a detection.

    Args:
        matches: result of `sonar_debris.evaluation.matching.coco_match` with one range of areas.
    """
    frame_count = len(matches.params.imgIds)
    ranked = []
    for class_id in range(len(matches.params.catIds)):
        # One entry per frame; None where the frame has neither a labelled box nor a detection of the class.
        pairs = dict(enumerate(matches.evalImgs[class_id * frame_count : (class_id + 1) * frame_count]))
        pairs = {frame: pair for frame, pair in pairs.items() if pair is not None}
        if not pairs:
            continue
        boxes = np.zeros(frame_count, int)
        boxes[list(pairs)] = [len(pair["gtIds"]) for pair in pairs.values()]
        score = np.concatenate([pair["dtScores"] for pair in pairs.values()])
        detection_frame = np.repeat(list(pairs), [len(pair["dtScores"]) for pair in pairs.values()])
        hit = np.concatenate([pair["dtMatches"] > 0 for pair in pairs.values()], axis=1)
        order = np.argsort(-score, kind="stable")
        ranked.append(RankedDetections(detection_frame[order], hit[:, order], boxes))
    return ranked
