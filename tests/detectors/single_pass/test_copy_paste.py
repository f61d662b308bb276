import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.single_pass.copy_paste import paste_object

SHAPE = (200, 160)
BOX = np.array([[60, 80, 90, 110]], np.float32)
NONE = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


def host(level=0.01):
    return np.full(SHAPE, level, np.float32)


def donor(level=3.0):
    image = np.full(SHAPE, level, np.float32)
    image[80:110, 60:90] = level + 5
    return TrainingFrame(image, BOX, np.array([7]))


def paste(image, boxes, class_id, source, tries=40):
    for seed in range(tries):
        image, boxes, class_id = paste_object(image, boxes, class_id, source, 0, np.random.default_rng(seed))
    return image, boxes, class_id


def test_an_object_is_pasted_with_its_name_at_the_level_of_its_new_place():
    image, boxes, class_id = paste(host(), *NONE, donor(), tries=3)

    assert len(boxes) >= 1 and set(class_id) == {7}
    for left, top, right, bottom in boxes.astype(int):
        assert (left >= 0) and (top >= 0) and (right <= SHAPE[1]) and (bottom <= SHAPE[0])
        assert 3.5 < image[(top + bottom) // 2, (left + right) // 2] < 5.5  # 5 above its surroundings
    assert abs(np.median(image) - 0.01) < 0.05


def test_no_object_hides_another():
    _, boxes, _ = paste(host(), *NONE, donor())

    for number, box in enumerate(boxes):
        low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        shared[number] = 0
        assert shared.max() <= 0.2 * (box[2:] - box[:2]).prod() + 1


def test_outside_the_fan_nothing_is_pasted():
    image = host()
    image[:, :80] = 0

    image, boxes, _ = paste(image, *NONE, donor())

    assert len(boxes) and not image[:, :80].any()
    assert (boxes[:, 0] >= 78).all()


def test_an_object_at_the_border_of_its_fan_is_left_there():
    source = donor()
    source.image[:, 75:] = 0

    image, boxes, _ = paste(host(), *NONE, source)

    assert not len(boxes) and (image == host()).all()


def test_an_object_of_no_whole_frame_may_lie_at_any_range():
    source = donor()
    cut = TrainingFrame(source.image[60:130, 40:110], BOX - [40, 60, 40, 60], source.class_id)

    _, boxes, _ = paste(host(), *NONE, cut)

    assert boxes[:, 1].min() < 40 and boxes[:, 3].max() > 150
