import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator import simulate_frames
from sonar_debris.simulator.fan import FANS, fan_mask
from sonar_debris.simulator.scene import SILHOUETTES


def contrasts(simulated, wanted):
    """The mean of the brightest tenth, and of all, in each box of the wanted classes, less the mean around it."""
    for image, xyxy, class_id in simulated:
        for (left, top, right, bottom), index in zip(xyxy.astype(int), class_id, strict=True):
            if CLASS_NAMES[index] in wanted:
                around = image[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8].astype(float)
                inside = image[top:bottom, left:right]
                ring = (around[around > 0].sum() - inside.sum()) / (np.sum(around > 0) - np.sum(inside > 0))
                grey = np.sort(inside[inside > 0])
                yield grey[-len(grey) // 10 :].mean() - ring, grey.mean() - ring


def test_same_seed_gives_the_same_bytes():
    for one, other in zip(simulate_frames(3, seed=5), simulate_frames(3, seed=5), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_longer_run_begins_with_the_same_frames():
    (short,), (longer, _) = simulate_frames(1, seed=5), simulate_frames(2, seed=5)
    assert np.array_equal(short[0], longer[0])


def test_seeds_and_frames_differ():
    first, second = (image for image, _, _ in simulate_frames(2, seed=5))
    other = next(simulate_frames(1, seed=6))[0]
    assert not np.array_equal(first, second) and not np.array_equal(first, other)


def test_no_frames():
    assert list(simulate_frames(0, seed=0)) == []


def test_types_and_shapes(simulated):
    for image, xyxy, class_id in simulated:
        assert (image.shape, image.dtype) == ((480, 320), np.uint8)
        assert (xyxy.shape, xyxy.dtype) == ((len(class_id), 4), np.float32)
        assert class_id.dtype == np.int64


def test_every_class_and_both_fans_are_drawn(simulated):
    assert {int(i) for _, _, ids in simulated for i in ids} == set(range(len(CLASS_NAMES)))
    assert {next(f for f in FANS if np.array_equal(image > 0, fan_mask(f))) for image, _, _ in simulated} == set(FANS)


def test_boxes_lie_in_the_frame_and_touch_the_fan(simulated):
    for image, xyxy, _ in simulated:
        assert np.all(xyxy[:, :2] >= 0) and np.all(xyxy[:, 2:] <= (320, 480)) and np.all(xyxy[:, 2:] > xyxy[:, :2])
        assert all((image[top:bottom, left:right] > 0).any() for left, top, right, bottom in xyxy.astype(int))


@pytest.mark.parametrize("name", sorted({*CLASS_NAMES} - SILHOUETTES))
def test_objects_glint(simulated, name):
    assert np.median([glint for glint, _ in contrasts(simulated, {name})]) > 25


def test_silhouettes_are_darker_than_the_seabed_around(simulated):
    assert np.median([mean for _, mean in contrasts(simulated, SILHOUETTES)]) < -10


def test_grey_levels_are_spread_as_recorded(simulated):
    """Quantiles of all pixels in the fan of the recorded watertank frames."""
    grey = np.concatenate([image[image > 0] for image, _, _ in simulated])
    assert np.percentile(grey, [5, 25, 50, 75, 95]) == pytest.approx([31, 50, 70, 98, 146], rel=0.2)
