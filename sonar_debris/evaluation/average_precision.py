"""Precision, recall and F1 as the score threshold falls.

MERGED:
Confidence intervals of mean average precision, by drawing scenes anew.

Frames of one scene are near-copies of each other: to draw frames would take them for independent ones and give
intervals that are far too narrow. So whole scenes are drawn (cluster bootstrap).

Reference:
    Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8 (hierarchical data).
"""

from collections.abc import Sequence
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


RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Interval:
    """Where a figure would lie in 95 of 100 surveys like this one.

    Attributes:
        low: 2.5th percentile.
        high: 97.5th percentile.
    """

    low: float
    high: float


@dataclass(frozen=True)
class _Ranked:
    """The detections of a class, best first.

    Attributes:
        frame: ``(N,)`` the frame that each is of.
        hit: ``(T, N)`` whether it meets an object, at each IoU.
        boxes: ``(frames,)`` how many true boxes of the class each frame has.
    """

    frame: np.ndarray
    hit: np.ndarray
    boxes: np.ndarray


def bootstrap_map(matches: "COCOeval", scenes: Sequence[str], draws: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """Intervals of mAP@0.5 and mAP@[.5:.95].

    Args:
        matches: what :func:`sonar_debris.evaluation.matching.match` returns for N frames.
        scenes: ``(N,)`` the scene of each frame.
        draws: how often N_scenes scenes are drawn with replacement.
        seed: of the draws.

    Returns:
        ``map50`` and ``map50_95``. A draw's mean is over the classes that have a box in it.
    """
    ranked = _rank(matches)
    _, scene = np.unique(scenes, return_inverse=True)
    rng = np.random.default_rng(seed)
    count = scene.max() + 1
    drawn = [np.bincount(rng.integers(count, size=count), minlength=count)[scene] for _ in range(draws)]
    means = np.array([mean for weight in drawn if len(mean := _mean_ap(ranked, weight))])
    low, high = np.percentile(np.stack([means[:, 0], means.mean(axis=1)]), [2.5, 97.5], axis=1).tolist()
    return {name: Interval(*ends) for name, *ends in zip(("map50", "map50_95"), low, high, strict=True)}


def _mean_ap(ranked: Sequence[_Ranked], weight: np.ndarray) -> np.ndarray:
    """``(T,)`` means over the classes that are there; empty where none is."""
    found = [_average_precision(one, weight) for one in ranked if one.boxes @ weight]
    return np.mean(found, axis=0) if found else np.zeros(0)


def _average_precision(ranked: _Ranked, weight: np.ndarray) -> np.ndarray:
    """``(T,)`` 101-point average precision where each frame counts ``weight`` times."""
    times = weight[ranked.frame]
    hits, all_ = np.cumsum(ranked.hit * times, axis=1), np.cumsum(times)
    precision = hits / np.maximum(all_, 1)
    # The best precision at this recall or a higher one; beyond the highest recall it is 0.
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.pad(best, [(0, 0), (0, 1)])
    recall = hits / (ranked.boxes @ weight)
    return np.array([line[np.searchsorted(r, RECALLS - 1e-12)].mean() for line, r in zip(best, recall, strict=True)])


def _rank(matches: "COCOeval") -> list[_Ranked]:
    frames = len(matches.params.imgIds)
    ranked = []
    for k in range(len(matches.params.catIds)):
        # One entry a frame: there is one range of areas only. None where a frame has no such box, true or found.
        pairs = matches.evalImgs[k * frames : (k + 1) * frames]
        there = [(number, pair) for number, pair in enumerate(pairs) if pair is not None]
        boxes = np.zeros(frames, int)
        for number, pair in there:
            boxes[number] = len(pair["gtIds"])
        if not there:
            continue
        score = np.concatenate([pair["dtScores"] for _, pair in there])
        frame = np.concatenate([np.full(len(pair["dtScores"]), number) for number, pair in there])
        hit = np.concatenate([pair["dtMatches"] > 0 for _, pair in there], axis=1)
        order = np.argsort(-score, kind="mergesort")
        ranked.append(_Ranked(frame[order], hit[:, order], boxes))
    return ranked
