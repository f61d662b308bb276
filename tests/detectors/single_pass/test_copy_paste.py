import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.single_pass.copy_paste import ObjectBank, paste_object

SHAPE = (200, 160)
BOX = np.array([[60, 80, 90, 110]], np.float32)
NO_OBJECTS = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


def flat_frame(level=0.01):
    return np.full(SHAPE, level, np.float32)


def donor(level=3.0):
    """Return a frame of this level with an object 5 above it."""
    image = np.full(SHAPE, level, np.float32)
    image[80:110, 60:90] = level + 5
    return TrainingFrame(image, BOX, np.array([7]))


def paste(image, boxes, class_id, source, tries=40):
    for seed in range(tries):
        image, boxes, class_id = paste_object(image, boxes, class_id, source, 0, np.random.default_rng(seed))
    return image, boxes, class_id


def test_an_object_is_pasted_with_its_class_at_the_level_of_its_new_surroundings():
    image, boxes, class_id = paste(flat_frame(), *NO_OBJECTS, donor(), tries=3)

    assert len(boxes) >= 1 and set(class_id) == {7}
    for left, top, right, bottom in boxes.astype(int):
        assert (left >= 0) and (top >= 0) and (right <= SHAPE[1]) and (bottom <= SHAPE[0])
        assert 3.5 < image[(top + bottom) // 2, (left + right) // 2] < 5.5  # 5 above its surroundings
    assert abs(np.median(image) - 0.01) < 0.05


def test_pasted_objects_do_not_cover_each_other():
    _, boxes, _ = paste(flat_frame(), *NO_OBJECTS, donor())

    for index, box in enumerate(boxes):
        low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        shared[index] = 0
        assert shared.max() <= 0.2 * (box[2:] - box[:2]).prod() + 1


def test_nothing_is_pasted_outside_the_fan():
    image = flat_frame()
    image[:, :80] = 0

    image, boxes, _ = paste(image, *NO_OBJECTS, donor())

    assert len(boxes) and not image[:, :80].any()
    assert (boxes[:, 0] >= 78).all()


def test_an_object_at_the_border_of_its_fan_is_not_pasted():
    source = donor()
    source.image[:, 75:] = 0

    image, boxes, _ = paste(flat_frame(), *NO_OBJECTS, source)

    assert not len(boxes) and (image == flat_frame()).all()


def test_an_object_of_a_crop_is_pasted_at_any_range():
    source = donor()
    crop = TrainingFrame(source.image[60:130, 40:110], BOX - [40, 60, 40, 60], source.class_id)

    _, boxes, _ = paste(flat_frame(), *NO_OBJECTS, crop)

    assert boxes[:, 1].min() < 40 and boxes[:, 3].max() > 150


def frame_of_classes(*class_id, scene=0):
    boxes = np.tile(np.array([[0, 0, 4, 4]], np.float32), (len(class_id), 1))
    return TrainingFrame(np.zeros((8, 8), np.float32), boxes, np.array(class_id, np.int64), scene=scene)


def test_rare_classes_are_drawn_as_often_as_common_ones():
    bank = ObjectBank([frame_of_classes(2, 2, 2, 5), frame_of_classes(), frame_of_classes(*[2] * 50)])

    drawn = [bank.draw(np.random.default_rng(seed)) for seed in range(400)]

    assert len(bank) == 54
    rare = sum(int(source.class_id[index]) == 5 for source, index in drawn)
    assert 150 < rare < 250


def test_a_scene_of_many_frames_is_drawn_as_often_as_another():
    bank = ObjectBank([frame_of_classes(2), *[frame_of_classes(2, scene=1)] * 50])

    scenes = [bank.draw(np.random.default_rng(seed))[0].scene for seed in range(400)]

    assert 150 < scenes.count(0) < 250


def test_frames_without_objects_make_an_empty_bank():
    assert len(ObjectBank([frame_of_classes()])) == 0
