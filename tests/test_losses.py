import numpy as np
import pytest

from sonar_debris.boxes import iou
from sonar_debris.networks import normalised_centre_distance, paired_iou, score_entropy, smoothed_class_entropy


def random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 5, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 5, (count, 2))], axis=1).astype(np.float32)


def test_paired_iou_equals_the_iou_of_numpy_boxes():
    a, b = random_boxes(20, 0), random_boxes(30, 1)

    np.testing.assert_allclose(np.asarray(paired_iou(a[:, None], b[None])), iou(a, b), atol=1e-6)


def test_centre_distance_by_hand():
    # The centres are (3, 4) apart, and the enclosing box is 5 by 6.
    distance = normalised_centre_distance(np.float32([[0, 0, 2, 2]]), np.float32([[3, 4, 5, 6]]))

    assert np.asarray(distance) == pytest.approx(25 / 61)


def test_empty_boxes_stay_finite():
    point = np.float32([[1, 1, 1, 1]])

    assert np.asarray(paired_iou(point, point)) == 0
    assert np.asarray(normalised_centre_distance(point, point)) == 0


def test_score_entropy_is_lowest_at_the_target():
    scores = np.linspace(0.05, 0.95, 19, dtype=np.float32)

    entropy = np.asarray(score_entropy(np.float32(0.4), scores))

    assert scores[entropy.argmin()] == pytest.approx(0.4)


def test_class_entropy_is_smoothed():
    probabilities = np.float32([0.7, 0.2, 0.1])

    loss = np.asarray(smoothed_class_entropy(np.int32(0), probabilities, smoothing=0.3))

    assert loss == pytest.approx(-(0.8 * np.log(0.7) + 0.1 * np.log(0.2) + 0.1 * np.log(0.1)), abs=1e-5)
