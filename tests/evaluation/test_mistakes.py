from pathlib import Path

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.evaluation.mistakes import confusion_pairs, false_alarms, misses, worst

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


def test_misses_are_objects_without_a_box_of_their_name():
    near = [0, 0, 10, 4]  # IoU 0.4 with A
    frames = [frame([A, B], [0, 1]), frame([A], [0])]
    detections = [found([near, B], [0, 0]), found([A], [0])]

    # The tire has a box that bears another name; the second frame's can is no miss.
    found_wanting = [(miss.frame, miss.class_id, round(miss.degree, 3)) for miss in misses(frames, detections)]
    assert found_wanting == [(0, 0, 0.6), (0, 1, 1.0)]


def test_false_alarms_are_boxes_on_no_object_at_all():
    frames = [frame([A], [0]), frame([], [])]
    detections = [found([A, B], [1, 0]), found([B], [1])]

    alarms = false_alarms(frames, detections)

    assert [(alarm.frame, alarm.class_id, round(alarm.degree, 3)) for alarm in alarms] == [(0, 0, 0.5), (1, 1, 0.9)]


def test_the_worst_of_each_scene_and_class_come_first():
    frames = [frame([], [])] * 4
    detections = [found([B, A], [0, 1]), found([A], [0]), found([A], [1]), found([A], [0])]
    alarms = false_alarms(frames, detections)

    # Of the three cans of scene x and the one of y the first of each; a tire of x that scores 0.9, not that of 0.5.
    chosen = [(alarm.frame, alarm.class_id) for alarm in worst(alarms, ["x", "x", "x", "y"], limit=9)]
    assert chosen == [(0, 0), (2, 1), (3, 0)]
    assert len(worst(alarms, ["x", "x", "x", "y"], limit=2)) == 2
