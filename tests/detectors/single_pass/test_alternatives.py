"""Other names that an object may have: told below the scores of objects, if at all."""

import numpy as np
import pytest

from sonar_debris.boxes import iou
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.single_pass.detector import SinglePassDetector
from sonar_debris.detectors.single_pass.network import STRIDE

NAMES = ("can", "tire", "valve")


class Network:
    """Sees at one location after the other what it is told: objectness, half the side in strides, classes."""

    def __init__(self, *seen: tuple):
        self.seen = seen

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        frames, rows, cols, _ = images.shape
        output = np.zeros((frames, rows // STRIDE, cols // STRIDE, 5 + len(NAMES)), np.float32)
        for x, y, objectness, reach, *classes in self.seen:
            output[:, y, x] = [objectness, reach, reach, reach, reach, *classes]
        return output


def detect(frame, *seen: tuple, **settings):
    detector = SinglePassDetector(Network(*seen), SinglePassSettings("m", NAMES, **{"min_score": 0.01} | settings))
    return detector.detect(frame)


def rows(detections):
    columns = detections.xyxy.tolist(), detections.names, detections.score.tolist()
    return {(*box, name, score) for box, name, score in zip(*columns, strict=True)}


@pytest.fixture
def frame(make_frame):
    return make_frame(128, 128)


CAN_OR_TIRE = (4, 4, 0.9, 2.5, 0.6, 0.35, 0.05)


def test_a_second_name_scores_less(frame):
    found = detect(frame, CAN_OR_TIRE)

    assert found.names == ["can", "tire"]
    assert found.score == pytest.approx([0.54, 0.25])
    assert found.objectness == pytest.approx([0.9, 0.9])
    np.testing.assert_array_equal(found.xyxy[0], found.xyxy[1])


def test_by_default_an_object_is_told_once(frame):
    assert detect(frame, CAN_OR_TIRE, min_score=0.25).names == ["can"]
    assert detect(frame, CAN_OR_TIRE, alternatives=0.0).names == ["can"]


def test_what_hardly_is_another_is_not_told(frame):
    assert detect(frame, (4, 4, 0.9, 2.5, 0.88, 0.05, 0.07)).names == ["can"]


def test_an_unknown_object_may_have_each_of_its_names(frame):
    found = detect(frame, (4, 4, 0.5, 2.5, 0.35, 0.3, 0.35))

    assert found.names[0] == "unknown"
    assert found.score == pytest.approx([0.5, 0.175, 0.175, 0.15])
    assert sorted(found.names[1:]) == sorted(NAMES)


def test_a_box_under_another_of_another_name_is_told(frame):
    # The tire's box overlaps the can's, with more than half of both.
    found = detect(frame, (4, 4, 0.9, 3, 0.95, 0.03, 0.02), (5, 4, 0.8, 3, 0.05, 0.9, 0.05))

    assert found.names == ["can", "tire"]
    assert found.score == pytest.approx([0.855, 0.25])
    assert iou(found.xyxy[:1], found.xyxy[1:])[0, 0] > 0.5


def test_boxes_of_one_name_still_suppress_each_other(frame):
    # Two looks at one can, and each takes it for a tire, perhaps.
    found = detect(frame, (4, 4, 0.9, 3, 0.7, 0.3, 0), (5, 4, 0.8, 3, 0.6, 0.4, 0))

    assert found.names == ["can", "tire"]
    assert found.xyxy[1] == pytest.approx(found.xyxy[0] + [STRIDE, 0, STRIDE, 0])  # the likelier tire


def test_scores_are_calibrated_before_they_are_held_down(frame):
    found = detect(frame, CAN_OR_TIRE, calibration=((0.0, 1.0), (0.0, 0.5)))

    assert found.score == pytest.approx([0.27, 0.1575])


@pytest.mark.parametrize("min_score", [0.0, 0.1, 0.3])
def test_objects_are_the_same_with_and_without(min_score, single_pass, make_frame):
    frame = make_frame(120, 160)
    alone = single_pass.with_settings(alternatives=0.0, min_score=min_score).detect(frame)

    told = single_pass.with_settings(alternatives=0.25, min_score=min_score).detect(frame)

    assert len(told) >= len(alone)
    assert (np.diff(told.score) <= 0).all()
    assert rows(alone) <= rows(told)
