"""Precision, recall and the bootstrap: on paper, against pycocotools, and against a matching written another way."""

import numpy as np
import pytest

from sonar_debris.evaluation.average_precision import (
    PrecisionRecall,
    best_operating_point,
    bootstrap_map,
    mean_average_precision,
    precision_recall,
    rank_detections,
)
from sonar_debris.evaluation.matching import coco_index, coco_match

NAMES = ["can", "tire", "wall"]


def match(true, true_class, boxes, box_class, score):
    return coco_match(coco_index(true, true_class, NAMES), coco_index(boxes, box_class, NAMES, score))


def test_points_of_the_curve_are_distinct_scores():
    a, b, far = [0, 0, 10, 10], [40, 40, 60, 60], [100, 100, 120, 120]
    true, boxes = np.array([a, b]), np.array([a, far, b])
    curve = precision_recall(
        match([true], [np.zeros(2, int)], [boxes], [np.zeros(3, int)], [np.array([0.9, 0.5, 0.5])])
    )

    np.testing.assert_allclose(curve.threshold, [0.9, 0.5])
    np.testing.assert_allclose(curve.precision, [1, 2 / 3])
    np.testing.assert_allclose(curve.recall, [0.5, 1])
    np.testing.assert_allclose(curve.f1, [2 / 3, 0.8])


def test_curve_agrees_with_greedy_matching():
    rng = np.random.default_rng(0)
    true = [random_boxes(rng, 4) for _ in range(12)]
    true_class = [rng.integers(2, size=4) for _ in true]
    boxes = [np.concatenate([frame_true + rng.normal(0, 3, (4, 4)), random_boxes(rng, 6)]) for frame_true in true]
    box_class = [np.concatenate([classes, rng.integers(2, size=6)]) for classes in true_class]
    score = [rng.random(10) for _ in boxes]

    curve = precision_recall(match(true, true_class, boxes, box_class, score))

    frames = zip(true, true_class, boxes, box_class, score, strict=True)
    hits = np.concatenate([greedy_hits(*frame) for frame in frames])
    order = np.argsort(-np.concatenate(score))
    assert 0 < hits.sum() < hits.size
    np.testing.assert_allclose(curve.precision, np.cumsum(hits[order]) / np.arange(1, 121))
    np.testing.assert_allclose(curve.recall, np.cumsum(hits[order]) / 48)


def random_boxes(rng, count):
    corner = rng.uniform(0, 200, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 60, (count, 2))], axis=1)


def greedy_hits(true, true_class, boxes, box_class, score):
    """Let each box, best score first, take the free labelled box of its class that it overlaps most."""
    hits, free = np.zeros(len(boxes)), np.ones(len(true), bool)
    for i in np.argsort(-score):
        overlap = [iou(boxes[i], true_box) for true_box in true] * (free & (true_class == box_class[i]))
        hits[i] = overlap.max() >= 0.5
        free[overlap.argmax()] &= not hits[i]
    return hits


def iou(a, b):
    intersection = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return intersection / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - intersection)


def test_best_point_is_the_highest_threshold_among_equals():
    curve = PrecisionRecall(np.array([0.9, 0.6, 0.3]), np.array([1, 0.5, 0.6]), np.array([0.5, 1, 0.6]))

    best = best_operating_point(curve)

    assert (best.threshold, best.precision, best.recall) == (0.9, 1, 0.5)
    assert best.f1 == pytest.approx(2 / 3)


def test_empty_curve_has_no_threshold():
    assert best_operating_point(PrecisionRecall(*np.zeros((3, 0)))).threshold is None


def test_f1_is_zero_where_precision_and_recall_are():
    assert PrecisionRecall(np.array([0.9]), np.array([0.0]), np.array([0.0])).f1 == [0]


def random_matches(frames=20, seed=0):
    rng = np.random.default_rng(seed)
    corners = [rng.uniform(0, 80, (3, 2)) for _ in range(frames)]
    true = [np.concatenate([corner, corner + 15], axis=1) for corner in corners]
    true_class = [rng.integers(2, size=3) for _ in true]  # the third class has no box
    boxes = [np.concatenate([frame_true, frame_true + rng.normal(0, 4, (3, 4))]) for frame_true in true]
    box_class = [np.concatenate([classes, rng.integers(3, size=3)]) for classes in true_class]
    return match(true, true_class, boxes, box_class, [rng.random(6) for _ in boxes])


def test_every_frame_once_gives_the_mean_average_precision_of_pycocotools():
    matches = random_matches()

    precision = matches.eval["precision"][:, :, :, 0, -1]
    expected = precision[:, :, precision[0, 0] >= 0].mean(axis=(1, 2))
    computed = mean_average_precision(rank_detections(matches), np.ones(20, int))
    np.testing.assert_allclose(computed, expected, atol=1e-9)


def test_a_frame_drawn_twice_counts_twice():
    def ranked(copies):
        box = np.array([[0.0, 0, 10, 10]])
        score = [np.array([0.9]), *[np.array([0.95])] * copies]
        classes = [np.zeros(1, int)] * (1 + copies)
        return rank_detections(match([box] * (1 + copies), classes, [box, *[box + 50] * copies], classes, score))

    weighted = mean_average_precision(ranked(1), np.array([1, 2]))
    np.testing.assert_allclose(weighted, mean_average_precision(ranked(2), np.array([1, 1, 1])))


def test_the_interval_of_a_single_scene_has_no_width():
    for interval in bootstrap_map(random_matches(), ["a"] * 20, draws=5).values():
        assert interval.low == pytest.approx(interval.high)


def test_scenes_are_drawn_whole():
    # All objects of scene a are detected and none of scene b, so a draw gives 1, 0 or the AP of both.
    box = np.array([[0.0, 0, 10, 10]])
    classes = [np.zeros(1, int)] * 8
    score = [np.array([0.9])] * 4 + [np.array([0.5])] * 4
    matches = match([box] * 8, classes, [box] * 4 + [box + 50] * 4, classes, score)

    interval = bootstrap_map(matches, ["a"] * 4 + ["b"] * 4, draws=200)["map50"]

    assert (interval.low, interval.high) == (0, 1)


def test_the_same_seed_gives_the_same_interval():
    scenes = [str(index % 5) for index in range(20)]

    assert bootstrap_map(random_matches(), scenes, 50, seed=3) == bootstrap_map(random_matches(), scenes, 50, seed=3)
    assert bootstrap_map(random_matches(), scenes, 50, seed=3) != bootstrap_map(random_matches(), scenes, 50, seed=4)
