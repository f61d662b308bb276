from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.evaluation.detection_metrics import metrics_by_scene, metrics_by_size

NAMES = ("can", "tire")
SMALL, LARGE = [0, 0, 10, 10], [20, 20, 70, 70]


def frame(boxes, class_id):
    return LabelledFrame("a", Path("a.png"), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def found(boxes, class_id):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.5, len(boxes))
    return Detections(boxes, score, np.array(class_id, np.int64), score, (*NAMES, "unknown"))


def test_each_size_has_figures_of_its_own():
    shares = metrics_by_size([frame([SMALL, LARGE], [0, 1])], [found([SMALL], [0])], NAMES)

    assert list(shares) == ["under 32 px", "32 to 64 px"]
    assert astuple(shares["under 32 px"]) == pytest.approx((1, 1, 1))
    assert astuple(shares["32 to 64 px"]) == (1, 0, 0)


def test_a_box_of_another_size_is_no_false_alarm():
    shares = metrics_by_size([frame([SMALL], [0])], [found([LARGE, SMALL], [0, 0])], NAMES)

    assert shares["under 32 px"].map50 == pytest.approx(1)


def test_each_scene_has_figures_of_its_own():
    frames = [frame([SMALL], [0]), frame([LARGE, SMALL], [1, 1]), frame([], [])]
    detections = [found([SMALL], [0]), found([LARGE], [1]), found([SMALL], [0])]

    shares = metrics_by_scene(frames, detections, NAMES, ["a", "b", "c"])

    assert set(shares) == {"a", "b"}  # c shows nothing that could be found
    assert astuple(shares["a"]) == pytest.approx((1, 1, 1))
    assert (shares["b"].boxes, shares["b"].recall50) == (2, 0.5)
