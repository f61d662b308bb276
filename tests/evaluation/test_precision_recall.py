"""Precision and recall on paper, and against a matching written another way."""

import numpy as np
import pytest

from sonar_debris.evaluation.average_precision import PrecisionRecall, best_operating_point, precision_recall
from sonar_debris.evaluation.matching import coco_index, match


def curve_of(true, true_class, found, found_class, score):
    names = ["can", "tire"]
    return precision_recall(match(coco_index(true, true_class, names), coco_index(found, found_class, names, score)))


def test_points_of_the_curve_are_distinct_scores():
    a, b, far = [0, 0, 10, 10], [40, 40, 60, 60], [100, 100, 120, 120]
    curve = curve_of(
        [np.array([a, b])], [np.array([0, 0])], [np.array([a, far, b])], [np.zeros(3, int)], [np.array([0.9, 0.5, 0.5])]
    )

    np.testing.assert_allclose(curve.threshold, [0.9, 0.5])
    np.testing.assert_allclose(curve.precision, [1, 2 / 3])
    np.testing.assert_allclose(curve.recall, [0.5, 1])
    np.testing.assert_allclose(curve.f1, [2 / 3, 0.8])


def test_curve_agrees_with_greedy_matching():
    rng = np.random.default_rng(0)
    true = [_boxes(rng, 4) for _ in range(12)]
    true_class = [rng.integers(2, size=4) for _ in true]
    found = [np.concatenate([boxes + rng.normal(0, 3, (4, 4)), _boxes(rng, 6)]) for boxes in true]
    found_class = [np.concatenate([classes, rng.integers(2, size=6)]) for classes in true_class]
    score = [rng.random(10) for _ in found]

    curve = curve_of(true, true_class, found, found_class, score)

    frames = zip(true, true_class, found, found_class, score, strict=True)
    hits = np.concatenate([_greedy_hits(*frame) for frame in frames])
    order = np.argsort(-np.concatenate(score))
    assert 0 < hits.sum() < hits.size
    np.testing.assert_allclose(curve.precision, np.cumsum(hits[order]) / np.arange(1, 121))
    np.testing.assert_allclose(curve.recall, np.cumsum(hits[order]) / 48)


def _boxes(rng, count):
    corner = rng.uniform(0, 200, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 60, (count, 2))], axis=1)


def _greedy_hits(true, true_class, found, found_class, score):
    """Each detection, best first, takes the true box of its class that it overlaps most."""
    hits, free = np.zeros(len(found)), np.ones(len(true), bool)
    for i in np.argsort(-score):
        iou = [_iou(found[i], box) for box in true] * (free & (true_class == found_class[i]))
        hits[i] = iou.max() >= 0.5
        free[iou.argmax()] &= not hits[i]
    return hits


def _iou(a, b):
    inner = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return inner / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inner)


def test_best_point_is_the_highest_threshold_among_equals():
    curve = PrecisionRecall(np.array([0.9, 0.6, 0.3]), np.array([1, 0.5, 0.6]), np.array([0.5, 1, 0.6]))

    best = best_operating_point(curve)

    assert (best.threshold, best.precision, best.recall) == (0.9, 1, 0.5)
    assert best.f1 == pytest.approx(2 / 3)


def test_empty_curve_has_no_threshold():
    assert best_operating_point(PrecisionRecall(*np.zeros((3, 0)))).threshold is None


def test_f1_is_zero_where_precision_and_recall_are():
    assert PrecisionRecall(np.array([0.9]), np.array([0.0]), np.array([0.0])).f1 == [0]
