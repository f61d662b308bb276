import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import fan_mask
from sonar_debris.simulator.scene import SILHOUETTES, random_scene


@pytest.fixture(scope="module")
def scenes():
    return [random_scene(np.random.default_rng(seed)) for seed in range(40)]


def test_a_scene_has_one_to_four_objects(scenes):
    counts = [len(scene.reflectors) for scene in scenes]
    assert min(counts) == 1 and 2 < max(counts) <= 4


def test_boxes_bound_the_outlines_clipped_to_the_fan(scenes):
    for scene in scenes:
        for reflector, (left, top, right, bottom) in zip(scene.reflectors, scene.xyxy.astype(int), strict=True):
            assert not np.any(reflector.outline & ~fan_mask(scene.fan))
            inside = reflector.outline[top:bottom, left:right]
            assert inside.sum() == reflector.outline.sum()
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_boxes_do_not_overlap(scenes):
    for scene in scenes:
        covered = np.zeros((480, 320), int)
        for left, top, right, bottom in scene.xyxy.astype(int):
            covered[top:bottom, left:right] += 1
        assert covered.max() == 1


def test_a_scene_reports_whether_it_has_a_silhouette(scenes):
    expected = [any(CLASS_NAMES[class_id] in SILHOUETTES for class_id in scene.class_id) for scene in scenes]
    assert [scene.has_silhouette for scene in scenes] == expected
    assert any(expected) and not all(expected)
