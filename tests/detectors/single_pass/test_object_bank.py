import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.single_pass.copy_paste import ObjectBank


def frame(*class_id, scene=0):
    boxes = np.tile(np.array([[0, 0, 4, 4]], np.float32), (len(class_id), 1))
    return TrainingFrame(np.zeros((8, 8), np.float32), boxes, np.array(class_id, np.int64), scene=scene)


def test_rare_classes_come_as_often_as_common_ones():
    bank = ObjectBank([frame(2, 2, 2, 5), frame(), frame(*[2] * 50)])

    drawn = [bank.draw(np.random.default_rng(seed)) for seed in range(400)]

    assert len(bank) == 54
    rare = sum(int(donor.class_id[number]) == 5 for donor, number in drawn)
    assert 150 < rare < 250


def test_a_scene_of_many_frames_gives_a_class_no_more_objects_than_another():
    bank = ObjectBank([frame(2), *[frame(2, scene=1)] * 50])

    drawn = [bank.draw(np.random.default_rng(seed))[0].scene for seed in range(400)]

    assert 150 < drawn.count(0) < 250


def test_frames_without_objects_make_an_empty_bank():
    assert len(ObjectBank([frame()])) == 0
