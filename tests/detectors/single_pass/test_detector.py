from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.boxes import iou
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.single_pass.detector import SinglePassDetector, clip_to_fan
from sonar_debris.detectors.single_pass.network import STRIDE

NAMES = ("can", "tire", "valve")
SIDE = 40


class Network:
    """Return given objects: column and row of a location, objectness, half the side in strides, class probabilities."""

    def __init__(self, *objects: tuple):
        self.objects = objects

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        frames, rows, cols, _ = images.shape
        output = np.zeros((frames, rows // STRIDE, cols // STRIDE, 5 + len(NAMES)), np.float32)
        for x, y, objectness, reach, *classes in self.objects:
            output[:, y, x] = [objectness, reach, reach, reach, reach, *classes]
        return output


def detect(frame, *objects: tuple, **settings):
    settings = SinglePassSettings("m", NAMES, **{"min_score": 0.01} | settings)
    return SinglePassDetector(Network(*objects), settings).detect(frame)


def rows(detections):
    columns = detections.xyxy.tolist(), detections.names, detections.score.tolist()
    return {(*box, name, score) for box, name, score in zip(*columns, strict=True)}


@pytest.fixture
def frame(make_frame):
    return make_frame(128, 128)


CAN_OR_TIRE = (4, 4, 0.9, 2.5, 0.6, 0.35, 0.05)


def test_an_alternative_label_has_a_lower_score_and_is_marked(frame):
    detections = detect(frame, CAN_OR_TIRE)

    assert detections.names == ["can", "tire"]
    assert detections.score == pytest.approx([0.54, 0.25])
    assert detections.objectness == pytest.approx([0.9, 0.9])
    assert detections.alternative.tolist() == [False, True]
    np.testing.assert_array_equal(detections.xyxy[0], detections.xyxy[1])


def test_by_default_an_object_is_reported_once(frame):
    assert detect(frame, CAN_OR_TIRE, min_score=0.25).names == ["can"]
    assert detect(frame, CAN_OR_TIRE, alternative_max_score=0.0).names == ["can"]
    assert not detect(frame, CAN_OR_TIRE, min_score=0.25).alternative.any()


def test_an_improbable_class_is_no_alternative(frame):
    assert detect(frame, (4, 4, 0.9, 2.5, 0.88, 0.05, 0.07)).names == ["can"]


def test_an_unknown_object_has_its_classes_as_alternatives(frame):
    detections = detect(frame, (4, 4, 0.5, 2.5, 0.35, 0.3, 0.35))

    assert detections.names[0] == "unknown"
    assert detections.score == pytest.approx([0.5, 0.175, 0.175, 0.15])
    assert sorted(detections.names[1:]) == sorted(NAMES)
    assert detections.alternative.tolist() == [False, True, True, True]


def test_a_suppressed_box_of_another_class_is_an_alternative(frame):
    # The tire's box overlaps the can's with an IoU above 0.5.
    detections = detect(frame, (4, 4, 0.9, 3, 0.95, 0.03, 0.02), (5, 4, 0.8, 3, 0.05, 0.9, 0.05))

    assert detections.names == ["can", "tire"]
    assert detections.score == pytest.approx([0.855, 0.25])
    assert iou(detections.xyxy[:1], detections.xyxy[1:])[0, 0] > 0.5


def test_alternatives_of_one_class_suppress_each_other(frame):
    # Two locations show the same can, and each may show a tire instead.
    detections = detect(frame, (4, 4, 0.9, 3, 0.7, 0.3, 0), (5, 4, 0.8, 3, 0.6, 0.4, 0))

    assert detections.names == ["can", "tire"]
    assert detections.xyxy[1] == pytest.approx(detections.xyxy[0] + [STRIDE, 0, STRIDE, 0])  # the more probable tire


def test_scores_are_calibrated_before_they_are_limited(frame):
    detections = detect(frame, CAN_OR_TIRE, calibration=((0.0, 1.0), (0.0, 0.5)))

    assert detections.score == pytest.approx([0.27, 0.1575])


@pytest.mark.parametrize("min_score", [0.0, 0.1, 0.3])
def test_alternatives_do_not_change_the_other_detections(min_score, single_pass, make_frame):
    frame = make_frame(120, 160)
    without = single_pass.with_settings(alternative_max_score=0.0, min_score=min_score).detect(frame)

    detections = single_pass.with_settings(alternative_max_score=0.25, min_score=min_score).detect(frame)

    assert len(detections) >= len(without)
    assert (np.diff(detections.score) <= 0).all()
    assert rows(without) == rows(detections[~detections.alternative])


def fan(half_width):
    """Return an image of a triangle that is one pixel wide at the bottom and opens upwards."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    return np.float32(np.abs(cols - SIDE // 2) <= half_width * (SIDE - 1 - rows) / SIDE)


@given(st.lists(st.tuples(*[st.floats(-5, SIDE + 5, width=32)] * 4), max_size=5), st.integers(1, SIDE // 2 - 1))
def test_clipped_box_is_the_fan_inside_the_box(corners, half_width):
    image = fan(half_width)
    boxes = np.float32([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]).reshape(-1, 4)

    clipped = clip_to_fan(boxes, image)

    assert clipped.shape == boxes.shape and clipped.dtype == boxes.dtype
    for (left, top, right, bottom), after in zip(boxes, clipped, strict=True):
        part = np.zeros_like(image, bool)
        part[
            max(0, int(np.floor(top))) : max(0, int(np.ceil(bottom))),
            max(0, int(np.floor(left))) : max(0, int(np.ceil(right))),
        ] = 1
        rows, cols = np.nonzero(part & (image != 0))
        if len(rows):
            left_top = np.float32([max(left, cols.min()), max(top, rows.min())])
            right_bottom = np.float32([min(right, cols.max() + 1), min(bottom, rows.max() + 1)])
            assert (after[:2] <= left_top + 1e-4).all()
            assert (after[2:] >= right_bottom - 1e-4).all()
        assert left <= after[0] and top <= after[1]
        assert after[2] <= max(right, after[0]) and after[3] <= max(bottom, after[1])


def test_boxes_across_the_arc_outside_the_fan_and_outside_the_frame():
    image = fan(19)
    image[:8] = 0

    clipped = clip_to_fan(np.float32([[15, -4, 25, 20], [0, 30, 8, 39], [30, 0, 60, 12], [10, 10, 12, 12]]), image)

    assert clipped[0].tolist() == [15, 8, 25, 20]
    assert (clipped[1, 2:] - clipped[1, :2]).min() == 0
    assert clipped[2, 1] == 8 and clipped[2, 2] <= 37
    assert clipped[3].tolist() == [10, 10, 12, 12]


def test_frame_without_black_pixels_and_black_frame():
    boxes = np.float32([[-3, 5, 20, 60]])

    assert clip_to_fan(boxes, np.ones((SIDE, SIDE))).tolist() == [[0, 5, 20, SIDE]]
    assert clip_to_fan(boxes, np.zeros((SIDE, SIDE)))[0, 2] == clip_to_fan(boxes, np.zeros((SIDE, SIDE)))[0, 0]
    assert clip_to_fan(np.zeros((0, 4), np.float32), np.ones((4, 4))).shape == (0, 4)


# Brightness alone makes a box an object.
BY_CONTRAST = {"object_weights": (-3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), "min_score": 0.4}


def test_an_unsure_box_is_unknown_if_its_echo_stands_out(make_frame):
    frame = make_frame(128, 128)
    unsure = (8, 8, 0.3, 1.5, 0.6, 0.3, 0.1)
    before = detect(frame, unsure, unknown_min_score=0.5, **BY_CONTRAST)
    image = frame.image.copy()
    image[60:76, 60:76] = image.max() * 3
    bright = replace(frame, image=image)

    found = detect(bright, unsure, unknown_min_score=0.5, **BY_CONTRAST)

    assert len(before) == 0
    assert found.names == ["unknown"] and found.score[0] > 0.5 and found.objectness[0] == found.score[0]
    settings = SinglePassSettings("m", NAMES, unknown_min_score=0.5, **BY_CONTRAST)
    assert SinglePassDetector(Network(), settings).reports(found).tolist() == [True]


def test_a_sure_object_is_never_less_an_object_than_one_of_its_class(frame):
    sure = (8, 8, 0.9, 1.5, 0.98, 0.01, 0.01)

    found = detect(frame, sure, unknown_min_score=0.5, **BY_CONTRAST)

    assert found.names == ["can"] and found.objectness[0] >= found.score[0]
