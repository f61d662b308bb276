from dataclasses import replace

import numpy as np
import pytest

from sonar_debris.datasets.training_frames import SIMULATED, TrainingFrame
from sonar_debris.detectors.single_pass.sampler import MAX_OBJECTS, FrameSampler, common_shape, move_frame

ROWS, COLS, STRIDE = 96, 64, 8
BOXES = np.array([[10, 20, 30, 50], [40, 60, 60, 80]], np.float32)


def frame(boxes=BOXES, shape=(ROWS, COLS)):
    """Two bright boxes on speckle that fills the frame."""
    image = np.random.default_rng(0).normal(0, 0.2, shape).astype(np.float32)
    for left, top, right, bottom in boxes.astype(int):
        image[top:bottom, left:right] += 5
    return TrainingFrame(image, boxes, np.arange(len(boxes)))


def drawn(sampler, seed=0):
    image, target = sampler.detection(np.random.default_rng(seed))
    there = target[:, 4] >= 0
    return image[..., 0], target[there, :4] * STRIDE, target[there, 4].astype(int)


def test_without_augmentation_a_frame_comes_as_it_is():
    image, boxes, class_id = drawn(FrameSampler([frame()], (ROWS, COLS), STRIDE, augmented=False))

    np.testing.assert_allclose(image, frame().image, atol=1e-6)
    np.testing.assert_allclose(boxes, BOXES)
    assert class_id.tolist() == [0, 1]


def test_a_smaller_frame_fills_the_shape_with_nothing():
    sampler = FrameSampler([frame()], (ROWS + 32, COLS + 32), STRIDE, augmented=False)

    image, boxes, _ = drawn(sampler)

    assert image.shape == (ROWS + 32, COLS + 32)
    assert not image[ROWS:].any() and not image[:, COLS:].any()
    np.testing.assert_allclose(boxes, BOXES)


def test_boxes_lie_where_their_objects_are_drawn():
    bright = []
    for seed in range(20):
        image, boxes, _ = drawn(FrameSampler([frame()], (ROWS, COLS), STRIDE), seed)
        assert len(boxes)
        assert (boxes >= 0).all() and (boxes <= [COLS, ROWS, COLS, ROWS]).all()
        for left, top, right, bottom in boxes.round().astype(int):
            middle = image[(top + bottom) // 2 - 3 :, (left + right) // 2 - 3 :][:7, :7]
            bright.append(np.median(middle) > 1.5)

    assert np.mean(bright) > 0.85  # some objects are cut out at their middle


def test_the_same_seed_draws_the_same():
    sampler = FrameSampler([frame()], (ROWS, COLS), STRIDE)

    for first, second in zip(drawn(sampler, 3), drawn(sampler, 3), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_frames_themselves_stay_as_they_are():
    kept = frame()
    before = kept.image.copy()

    for seed in range(5):
        drawn(FrameSampler([kept], (ROWS, COLS), STRIDE), seed)

    np.testing.assert_array_equal(kept.image, before)


def test_an_object_that_has_left_the_frame_is_no_longer_asked_for():
    shift = np.array([[1.0, 0, 35], [0, 1, 0]])  # the second box is gone, the first one partly

    _, boxes, class_id = move_frame(frame(), shift, (ROWS, COLS))

    assert class_id.tolist() == [0]
    np.testing.assert_allclose(boxes, [[45, 20, 64, 50]])


def test_more_objects_than_rows_of_the_target():
    many = np.tile(BOXES[:1], (MAX_OBJECTS + 5, 1))

    _, boxes, _ = drawn(FrameSampler([frame(many)], (ROWS, COLS), STRIDE, augmented=False))

    assert len(boxes) == MAX_OBJECTS


@pytest.mark.parametrize(
    ("scenes", "share"),
    [((0, *[1] * 16), 1 / 5), ((0, *[SIMULATED] * 3), 3 / 4), ((0,), 1)],
    ids=["by the root of its size", "a quarter is simulated", "alone"],
)
def test_how_often_the_first_scene_is_drawn(scenes, share):
    frames = [replace(frame(), xyxy=BOXES[:1], class_id=np.array([scene]), scene=scene) for scene in scenes]
    sampler = FrameSampler(frames, (ROWS, COLS), STRIDE, augmented=False)
    target = [sampler.detection(np.random.default_rng(seed))[1] for seed in range(400)]

    # A simulated frame's class is that of no box.
    assert abs(np.mean([each[0, 4] == 0 for each in target]) - share) < 0.08


def test_the_common_shape_holds_every_frame():
    frames = [frame(shape=(96, 64)), frame(shape=(90, 70))]

    assert common_shape(frames, 32) == (96, 96)
