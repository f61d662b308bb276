import numpy as np
import pytest

from sonar_debris.boxes import iou
from sonar_debris.detectors.sliding_window.proposals import OVERHANG, WINDOW_SHAPES
from sonar_debris.reproduce.proposal_baselines import sliding_windows


def windows(count: int, shape=(120, 160), seed: int = 0, step: int = 3) -> np.ndarray:
    return sliding_windows(shape, count, np.random.default_rng(seed), step)


def test_all_window_shapes_come_each_window_once():
    xyxy = windows(10**6)
    extent = xyxy[:, 2:] - xyxy[:, :2]

    assert set(map(tuple, extent.round().astype(int).tolist())) == set(WINDOW_SHAPES)
    assert len(np.unique(xyxy, axis=0)) == len(xyxy)


def test_windows_hang_over_the_border_by_a_quarter_at_most():
    xyxy = windows(10**6, (480, 320))
    overhang = OVERHANG * np.tile(xyxy[:, 2:] - xyxy[:, :2], 2) + 1

    assert (xyxy[:, :2] >= -overhang[:, :2]).all()
    assert (xyxy[:, 2:] <= [320, 480] + overhang[:, 2:]).all()


def test_an_object_of_a_window_shape_is_met_wherever_it_lies():
    rng = np.random.default_rng(1)
    corner = rng.uniform([0, 0], [320 - 64, 480 - 64], (50, 2))

    assert iou(np.concatenate([corner, corner + 64], axis=1), windows(10**6, (480, 320))).max(axis=1).min() > 0.75


def test_order_is_the_seeds():
    np.testing.assert_array_equal(windows(50), windows(50))
    assert (windows(50) != windows(50, seed=1)).any()


def test_first_windows_are_a_beginning_of_all():
    np.testing.assert_array_equal(windows(50), windows(10**6)[:50])


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (30, 20)])
def test_small_frame_has_a_window_of_each_shape(shape):
    assert len(windows(10**6, shape)) >= len(WINDOW_SHAPES)


def test_no_windows_asked_for():
    assert windows(0).shape == (0, 4)
