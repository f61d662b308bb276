import numpy as np
import pytest

from sonar_debris.datasets.augmentation import random_affine, transform_boxes

BOX = np.array([[10, 20, 30, 60]], np.float32)


def turn(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])


@pytest.mark.parametrize(
    ("motion", "moved"),
    [
        (np.eye(2, 3), [10, 20, 30, 60]),
        (np.array([[1, 0, 5], [0, 1, -5]]), [15, 15, 35, 55]),
        (np.array([[-1, 0, 100], [0, 1, 0]]), [70, 20, 90, 60]),
        (2 * np.eye(2, 3), [20, 40, 60, 120]),
        (turn(90), [20, -30, 60, -10]),
    ],
    ids=["none", "shift", "mirror", "scale", "quarter turn"],
)
def test_boxes_follow(motion, moved):
    np.testing.assert_allclose(transform_boxes(BOX, np.array(motion, float)), [moved], atol=1e-4)


def test_a_small_turn_makes_a_box_hardly_larger():
    side = transform_boxes(BOX, turn(8))[0]

    assert side[2] - side[0] < 1.1 * 20 + 2
    assert side[3] - side[1] <= 40.1


def test_no_boxes():
    assert transform_boxes(BOX[:0], np.eye(2, 3)).shape == (0, 4)


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_motion_keeps_to_its_limits(seed):
    motion = random_affine(np.random.default_rng(seed), (7, 9), (20, 30), 10, 0.2)

    np.testing.assert_allclose(motion @ [7, 9, 1], [20, 30])
    scale = np.sqrt(abs(np.linalg.det(motion[:, :2])))
    assert np.exp(-0.2) <= scale <= np.exp(0.2)
    assert abs(motion[1, 1]) / scale >= np.cos(np.deg2rad(10)) - 1e-9


def test_quarter_turns_come_on_top():
    drawn = [random_affine(np.random.default_rng(seed), (0, 0), (0, 0), 10, 0, quarters=True) for seed in range(200)]

    lying = [abs(motion[1, 0]) > abs(motion[1, 1]) for motion in drawn]
    assert 70 < sum(lying) < 130
    assert all(max(abs(motion[1])) >= np.cos(np.deg2rad(10)) - 1e-9 for motion in drawn)


def test_half_are_mirrored():
    drawn = [random_affine(np.random.default_rng(seed), (0, 0), (0, 0), 10, 0.2) for seed in range(200)]

    assert 70 < sum(np.linalg.det(motion[:, :2]) < 0 for motion in drawn) < 130
