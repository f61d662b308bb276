from pathlib import Path

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.detections import Detections
from sonar_debris.evaluation.breakdown import Share, by_scene, by_size

NAMES = ("can", "tire")
SMALL, LARGE = [0, 0, 10, 10], [20, 20, 70, 70]


def frame(boxes, class_id):
    return LabelledFrame("a", Path("a.png"), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def found(boxes, class_id):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.5, len(boxes))
    return Detections(boxes, score, np.array(class_id, np.int64), score, (*NAMES, "unknown"))


def test_each_size_has_figures_of_its_own():
    shares = by_size([frame([SMALL, LARGE], [0, 1])], [found([SMALL], [0])], NAMES)

    assert shares == {"under 32 px": Share(1, 1.0, 1.0), "32 to 64 px": Share(1, 0.0, 0.0)}


def test_a_box_of_another_size_is_no_false_alarm():
    shares = by_size([frame([SMALL], [0])], [found([LARGE, SMALL], [0, 0])], NAMES)

    assert shares["under 32 px"].map50 == 1.0


def test_each_scene_has_figures_of_its_own():
    frames = [frame([SMALL], [0]), frame([LARGE, SMALL], [1, 1]), frame([], [])]
    detections = [found([SMALL], [0]), found([LARGE], [1]), found([SMALL], [0])]

    shares = by_scene(frames, detections, NAMES, ["a", "b", "c"])

    assert set(shares) == {"a", "b"}  # c shows nothing that could be found
    assert (shares["a"], shares["b"].boxes, shares["b"].recall50) == (Share(1, 1.0, 1.0), 2, 0.5)
