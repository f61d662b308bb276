"""Precision, recall and F1 as the score threshold falls."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall over thresholds, all classes together, at the least IoU matched.

    Attributes:
        threshold: ``(N,)`` the distinct scores, falling; a detection counts from its score on.
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
    """Where a detector does best.

    Attributes:
        threshold: the least score to keep; None where nothing was found at all.
        precision: in [0, 1].
        recall: in [0, 1].
        f1: in [0, 1].
    """

    threshold: float | None
    precision: float
    recall: float
    f1: float


def precision_recall(matches: "COCOeval") -> PrecisionRecall:
    """The curve of a matched evaluation, at its first IoU.

    Args:
        matches: what :func:`sonar_debris.evaluation.matching.match` returns.
    """
    score, hit = scored_hits(matches)
    boxes = sum(len(pair["gtIds"]) for pair in matches.evalImgs if pair is not None)
    order = np.argsort(-score, kind="stable")
    # a threshold cannot part equal scores, so only the last of each run of them is a point of the curve
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))
    hits = np.cumsum(hit[order])[last]
    return PrecisionRecall(score[order][last], hits / (last + 1), hits / boxes)


def scored_hits(matches: "COCOeval") -> tuple[np.ndarray, np.ndarray]:
    """The score ``(N,)`` of every named detection, and whether it meets an object of its name at the first IoU."""
    pairs = [pair for pair in matches.evalImgs if pair is not None]
    score = np.concatenate([pair["dtScores"] for pair in pairs])
    return score, np.concatenate([pair["dtMatches"][0] > 0 for pair in pairs])


def best_operating_point(curve: PrecisionRecall) -> OperatingPoint:
    """The point of the highest F1; the highest threshold among equals."""
    if not len(curve.threshold):
        return OperatingPoint(None, 0.0, 0.0, 0.0)
    best = int(np.argmax(curve.f1))
    return OperatingPoint(*(float(part[best]) for part in (curve.threshold, curve.precision, curve.recall, curve.f1)))
