from dataclasses import replace

import numpy as np
import pytest

from sonar_debris.datasets.training_frames import SIMULATED, TrainingFrame
from sonar_debris.detectors.single_pass.sampler import MAX_OBJECTS, FrameSampler, common_shape, transform_frame

ROWS, COLS, STRIDE = 96, 64, 8
BOXES = np.array([[10, 20, 30, 50], [40, 60, 60, 80]], np.float32)


def frame(boxes=BOXES, shape=(ROWS, COLS)):
    """Return a frame of speckle with two bright boxes."""
    image = np.random.default_rng(0).normal(0, 0.2, shape).astype(np.float32)
    for left, top, right, bottom in boxes.astype(int):
        image[top:bottom, left:right] += 5
    return TrainingFrame(image, boxes, np.arange(len(boxes)))


def draw(sampler, seed=0):
    image, target = sampler.detection(np.random.default_rng(seed))
    has_box = target[:, 4] >= 0
    return image[..., 0], target[has_box, :4] * STRIDE, target[has_box, 4].astype(int)


def test_without_augmentation_the_frame_is_unchanged():
    image, boxes, class_id = draw(FrameSampler([frame()], (ROWS, COLS), STRIDE, augmented=False))

    np.testing.assert_allclose(image, frame().image, atol=1e-6)
    np.testing.assert_allclose(boxes, BOXES)
    assert class_id.tolist() == [0, 1]


def test_a_smaller_frame_is_padded_with_0():
    sampler = FrameSampler([frame()], (ROWS + 32, COLS + 32), STRIDE, augmented=False)

    image, boxes, _ = draw(sampler)

    assert image.shape == (ROWS + 32, COLS + 32)
    assert not image[ROWS:].any() and not image[:, COLS:].any()
    np.testing.assert_allclose(boxes, BOXES)


def test_boxes_are_where_their_objects_are():
    bright = []
    for seed in range(20):
        image, boxes, _ = draw(FrameSampler([frame()], (ROWS, COLS), STRIDE), seed)
        assert len(boxes)
        assert (boxes >= 0).all() and (boxes <= [COLS, ROWS, COLS, ROWS]).all()
        for left, top, right, bottom in boxes.round().astype(int):
            middle = image[(top + bottom) // 2 - 3 :, (left + right) // 2 - 3 :][:7, :7]
            bright.append(np.median(middle) > 1.5)

    assert np.mean(bright) > 0.85  # not all: the middle of some objects is cut out


def test_the_same_seed_draws_the_same_sample():
    sampler = FrameSampler([frame()], (ROWS, COLS), STRIDE)

    for first, second in zip(draw(sampler, 3), draw(sampler, 3), strict=True):
        np.testing.assert_array_equal(first, second)


def test_sampling_does_not_change_the_frames():
    source = frame()
    before = source.image.copy()

    for seed in range(5):
        draw(FrameSampler([source], (ROWS, COLS), STRIDE), seed)

    np.testing.assert_array_equal(source.image, before)


def test_an_object_outside_the_frame_is_dropped_from_the_targets():
    shift = np.array([[1.0, 0, 35], [0, 1, 0]])  # all of the second box leaves the frame, and a part of the first

    _, boxes, class_id = transform_frame(frame(), shift, (ROWS, COLS))

    assert class_id.tolist() == [0]
    np.testing.assert_allclose(boxes, [[45, 20, 64, 50]])


def test_objects_beyond_the_rows_of_the_target_are_dropped():
    many = np.tile(BOXES[:1], (MAX_OBJECTS + 5, 1))

    _, boxes, _ = draw(FrameSampler([frame(many)], (ROWS, COLS), STRIDE, augmented=False))

    assert len(boxes) == MAX_OBJECTS


@pytest.mark.parametrize(
    ("scenes", "share"),
    [((0, *[1] * 16), 1 / 5), ((0, *[SIMULATED] * 3), 3 / 4), ((0,), 1)],
    ids=["weight is 1/root of the size", "a quarter is simulated", "single scene"],
)
def test_share_of_the_first_scene_among_the_samples(scenes, share):
    frames = [replace(frame(), xyxy=BOXES[:1], class_id=np.array([scene]), scene=scene) for scene in scenes]
    sampler = FrameSampler(frames, (ROWS, COLS), STRIDE, augmented=False)
    targets = [sampler.detection(np.random.default_rng(seed))[1] for seed in range(400)]

    # The class of simulated frames is -1 here.
    assert abs(np.mean([target[0, 4] == 0 for target in targets]) - share) < 0.08


def test_the_common_shape_holds_every_frame():
    frames = [frame(shape=(96, 64)), frame(shape=(90, 70))]

    assert common_shape(frames, 32) == (96, 96)
