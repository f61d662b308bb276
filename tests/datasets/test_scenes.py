import cv2
import numpy as np
import pytest

from sonar_debris.datasets.splits import group_scenes


@pytest.fixture
def layouts():
    """Three unlike layouts of bright places, ``(48, 64)`` each."""
    rng = np.random.default_rng(3)
    return [cv2.resize(rng.uniform(0, 1, (4, 5)), (64, 48), interpolation=cv2.INTER_LINEAR) for _ in range(3)]


def test_noisy_copies_are_one_scene_and_other_layouts_are_not(layouts):
    rng = np.random.default_rng(0)
    images = [layout + rng.normal(0, 0.05, layout.shape) for layout in layouts for _ in range(2)]

    np.testing.assert_array_equal(group_scenes(images), [0, 0, 1, 1, 2, 2])


def test_gain_makes_no_other_scene(layouts):
    assert len(set(group_scenes([layouts[0], 0.5 * layouts[0] + 0.2]))) == 1


def test_frames_linked_by_a_third_are_one_scene(layouts):
    one, other, _ = layouts
    between = one / one.std() + other / other.std()

    assert len(set(group_scenes([one, other], 0.5))) == 2
    assert len(set(group_scenes([one, other, between], 0.5))) == 1


def test_flat_frames_are_like_nothing():
    np.testing.assert_array_equal(group_scenes(np.zeros((3, 48, 64), np.uint8)), [0, 1, 2])
