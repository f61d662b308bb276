from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.frames import Frame
from sonar_debris.reproduce import end_to_end
from sonar_debris.reproduce.end_to_end import found_and_named_shares

TRUE = np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32)


def labelled_frame(xyxy=TRUE, class_id=(0, 1)):
    return LabelledFrame("a", Path("a.png"), xyxy, np.array(class_id, np.int64))


def detections_of(xyxy, class_id):
    xyxy = np.array(xyxy, np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.1, len(xyxy))
    return Detections(xyxy, score, np.array(class_id, np.int64), score, ("can", "tire", "unknown"))


@pytest.mark.parametrize(
    ("boxes", "classes", "expected"),
    [
        ([], [], (0, 0, 0)),
        (TRUE, [0, 1], (1, 1, 0)),
        (TRUE, [1, 1], (1, 0.5, 0)),  # both objects are found, one class is wrong
        (TRUE[:1], [2], (0.5, 0, 0)),  # unknown counts as found, not as named
        ([TRUE[0], TRUE[0] + 1], [0, 0], (0.5, 1, 1)),  # an object is matched once
        ([[0, 0, 10, 5], [20, 20, 40, 29]], [0, 1], (0.5, 1, 1)),  # IoU 0.5 is a match, 0.45 is not
    ],
)
def test_shares_of_found_and_named_objects(boxes, classes, expected):
    shares = found_and_named_shares([labelled_frame()], [detections_of(boxes, classes)])

    assert tuple(shares.values()) == expected


def test_boxes_in_a_frame_without_objects_are_false():
    empty = labelled_frame(np.zeros((0, 4), np.float32), ())

    shares = found_and_named_shares([labelled_frame(), empty], [detections_of(TRUE, [0, 1])] * 2)

    assert shares == {"found": 1, "named": 1, "false": 1}


BOXES = np.array([[0, 0, 40, 40], [40, 40, 80, 80]], np.float32)


@pytest.mark.parametrize(
    ("objectness", "expected"),
    [(None, [0.63, 0.4]), (np.array([0.1, 0.2]), [0.14, 0.08])],  # of the classifying network, or of the box refiner
)
def test_boxes_are_classified_and_sorted_by_score(objectness, expected):
    output = np.zeros((2, 12), np.float32)
    output[0, [0, 3]], output[1, [0, 5]] = (0.5, 0.8), (0.9, 0.7)
    image = Frame(np.zeros((99, 99), np.float32), Path("a"), "a")

    detections = end_to_end._detect(lambda frame: (BOXES, objectness), lambda crops: output, image)

    np.testing.assert_allclose(detections.score, expected, rtol=1e-6)
    assert detections.class_id.tolist() == [4, 2] and detections.xyxy[0].tolist() == [40, 40, 80, 80]


def test_no_boxes_give_no_detections():
    image = Frame(np.zeros((99, 99), np.float32), Path("a"), "a")

    detections = end_to_end._detect(lambda frame: (BOXES[:0], np.zeros(0)), None, image)

    assert len(detections) == 0
