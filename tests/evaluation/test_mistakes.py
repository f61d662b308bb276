from pathlib import Path

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.detections import Detections
from sonar_debris.evaluation.mistakes import confusion_pairs, worst_misses

A, B = [0, 0, 10, 10], [20, 20, 40, 40]


def frame(boxes, class_id):
    return LabelledFrame("a", Path("a.png"), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def found(boxes, class_id):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.5, len(boxes))
    return Detections(boxes, score, np.array(class_id, np.int64), score, ("can", "tire", "unknown"))


def test_objects_and_boxes_are_paired_whatever_their_names():
    frames = [frame([A, B], [0, 1]), frame([], []), frame([A], [1])]
    detections = [found([A], [1]), found([B], [2]), found([A, A], [1, 0])]

    true, given = confusion_pairs(frames, detections, classes=2)

    pairs = sorted(zip(true.tolist(), given.tolist(), strict=True))
    # A can taken for a tire, a tire found, a tire missed; nothing taken for an unknown and for a can.
    assert pairs == [(0, 1), (1, 1), (1, 3), (3, 0), (3, 2)]


def test_worst_misses_first():
    near = [0, 0, 10, 4]  # IoU 0.4 with A
    frames = [frame([A, B], [0, 1]), frame([A], [0])]
    detections = [found([near, B], [0, 0]), found([A], [0])]

    misses = worst_misses(frames, detections, limit=9)

    # The tire has a box that bears another name; the second frame's can is no miss.
    assert [(miss.frame, miss.class_id, round(miss.overlap, 3)) for miss in misses] == [(0, 1, 0.0), (0, 0, 0.4)]
    assert [miss.class_id for miss in worst_misses(frames, detections, limit=1)] == [1]
