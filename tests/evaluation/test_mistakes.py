from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.evaluation.detection_metrics import evaluate_detections
from sonar_debris.evaluation.mistakes import confusion_pairs, draw_report, false_alarms, misses, select_worst

NAMES = ("can", "tire")
A, B = [0, 0, 10, 10], [20, 20, 40, 40]


def labelled(boxes, class_id, path="a.png"):
    return LabelledFrame("a", Path(path), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def ranked(boxes, class_id):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.linspace(0.9, 0.5, len(boxes))
    return Detections(boxes, score, np.array(class_id, np.int64), score, (*NAMES, "unknown"))


def test_objects_and_detections_are_paired_regardless_of_class():
    frames = [labelled([A, B], [0, 1]), labelled([], []), labelled([A], [1])]
    detections = [ranked([A], [1]), ranked([B], [2]), ranked([A, A], [1, 0])]

    true_class, predicted_class = confusion_pairs(frames, detections, classes=2)

    pairs = sorted(zip(true_class.tolist(), predicted_class.tolist(), strict=True))
    # A can predicted as a tire, a tire detected, a tire missed; false alarms of an unknown object and of a can.
    assert pairs == [(0, 1), (1, 1), (1, 3), (3, 0), (3, 2)]


def test_misses_are_objects_without_a_detection_of_their_class():
    near = [0, 0, 10, 4]  # IoU 0.4 with A
    frames = [labelled([A, B], [0, 1]), labelled([A], [0])]
    detections = [ranked([near, B], [0, 0]), ranked([A], [0])]

    # The detection of the tire has another class; the second frame's can is not missed.
    missed = [(miss.frame, miss.class_id, round(miss.degree, 3)) for miss in misses(frames, detections)]
    assert missed == [(0, 0, 0.6), (0, 1, 1.0)]


def test_false_alarms_are_detections_on_no_object_at_all():
    frames = [labelled([A], [0]), labelled([], [])]
    detections = [ranked([A, B], [1, 0]), ranked([B], [1])]

    alarms = false_alarms(frames, detections)

    assert [(alarm.frame, alarm.class_id, round(alarm.degree, 3)) for alarm in alarms] == [(0, 0, 0.5), (1, 1, 0.9)]


def test_the_worst_mistake_of_each_scene_and_class_is_selected():
    frames = [labelled([], [])] * 4
    detections = [ranked([B, A], [0, 1]), ranked([A], [0]), ranked([A], [1]), ranked([A], [0])]
    alarms = false_alarms(frames, detections)

    # The first can of scene x and the one of scene y; the tire of x that scores 0.9, not the one that scores 0.5.
    selected = [(alarm.frame, alarm.class_id) for alarm in select_worst(alarms, ["x", "x", "x", "y"], limit=9)]
    assert selected == [(0, 0), (2, 1), (3, 0)]
    assert len(select_worst(alarms, ["x", "x", "x", "y"], limit=2)) == 2


def test_matches_misses_and_false_alarms_are_drawn(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 40), 90, np.uint8))
    can, tire, empty_place = [2, 2, 20, 20], [25, 30, 38, 55], [25, 5, 38, 25]
    frames = [labelled([can, tire], [0, 1], path)] * 2
    detections = [ranked([empty_place, can], [1, 0]), ranked([], [])]
    metrics = evaluate_detections(frames, detections, NAMES)

    draw_report(tmp_path / "report", frames, detections, NAMES, metrics, ["x", "x"])

    pictures = {path.name: cv2.imread(str(path)) for path in (tmp_path / "report").iterdir()}
    assert set(pictures) == {"precision-recall.png", "confusion.png", "misses.png", "false-alarms.png"}
    assert all(picture.std() > 1 for picture in pictures.values())


def test_a_report_without_detections_is_drawn(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 40), 90, np.uint8))
    frames, detections = [labelled([[2, 2, 20, 20]], [1], path)], [ranked([], [])]

    draw_report(tmp_path, frames, detections, NAMES, evaluate_detections(frames, detections, NAMES), ["x"])

    assert (tmp_path / "misses.png").is_file()
