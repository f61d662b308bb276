"""The bootstrap on paper, and its average precision against pycocotools'."""

import numpy as np
import pytest

from sonar_debris.evaluation.average_precision import _mean_ap, _rank, bootstrap_map
from sonar_debris.evaluation.matching import coco_index, match

NAMES = ["can", "tire", "wall"]


def random_matches(frames=20, seed=0):
    rng = np.random.default_rng(seed)
    corner = [rng.uniform(0, 80, (3, 2)) for _ in range(frames)]
    true = [np.concatenate([at, at + 15], axis=1) for at in corner]
    class_id = [rng.integers(2, size=3) for _ in true]  # of the third class there is no box
    found = [np.concatenate([boxes, boxes + rng.normal(0, 4, (3, 4))]) for boxes in true]
    named = [np.concatenate([classes, rng.integers(3, size=3)]) for classes in class_id]
    score = [rng.random(6) for _ in found]
    return match(coco_index(true, class_id, NAMES), coco_index(found, named, NAMES, score))


def test_with_every_frame_once_it_is_the_mean_average_precision():
    matches = random_matches()

    precision = matches.eval["precision"][:, :, :, 0, -1]
    expected = precision[:, :, precision[0, 0] >= 0].mean(axis=(1, 2))
    np.testing.assert_allclose(_mean_ap(_rank(matches), np.ones(20, int)), expected, atol=1e-9)


def test_a_frame_drawn_twice_counts_twice():
    def twice(count):
        box = np.array([[0.0, 0, 10, 10]])
        true, found = [box, *[box] * count], [box, *[box + 50] * count]
        score = [np.array([0.9]), *[np.array([0.95])] * count]
        zeros = [np.zeros(1, int)] * (1 + count)
        return match(coco_index(true, zeros, NAMES), coco_index(found, zeros, NAMES, score))

    weighted = _mean_ap(_rank(twice(1)), np.array([1, 2]))
    np.testing.assert_allclose(weighted, _mean_ap(_rank(twice(2)), np.array([1, 1, 1])))


def test_one_scene_leaves_nothing_to_chance():
    for interval in bootstrap_map(random_matches(), ["a"] * 20, draws=5).values():
        assert interval.low == pytest.approx(interval.high)


def test_scenes_are_drawn_whole():
    # Scene a is found without fault and scene b not at all, so a draw gives 1, 0 or the AP of both.
    box = np.array([[0.0, 0, 10, 10]])
    zeros = [np.zeros(1, int)] * 8
    matches = match(
        coco_index([box] * 8, zeros, NAMES),
        coco_index([box] * 4 + [box + 50] * 4, zeros, NAMES, [np.array([0.9])] * 4 + [np.array([0.5])] * 4),
    )

    interval = bootstrap_map(matches, ["a"] * 4 + ["b"] * 4, draws=200)["map50"]

    assert (interval.low, interval.high) == (0, 1)


def test_the_same_seed_gives_the_same_interval():
    scenes = [str(number % 5) for number in range(20)]

    assert bootstrap_map(random_matches(), scenes, 50) == bootstrap_map(random_matches(), scenes, 50)
