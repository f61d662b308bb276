import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.evaluation.detection_metrics import detection_metrics
from sonar_debris.evaluation.mistakes import draw_report

NAMES = ("can", "tire")


def test_pictures_of_hits_misses_and_false_alarms(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 40), 90, np.uint8))
    boxes = np.array([[2, 2, 20, 20], [25, 30, 38, 55]], np.float32)
    frames = [LabelledFrame("a", path, boxes, np.array([0, 1]))] * 2
    score = np.array([0.95, 0.9], np.float32)
    alarm = [25, 5, 38, 25]
    found_there = np.array([alarm, boxes[0]], np.float32)
    hit_and_alarm = Detections(found_there, score, np.array([1, 0]), score, (*NAMES, "unknown"))
    found = [hit_and_alarm, hit_and_alarm[:0]]

    draw_report(tmp_path / "report", frames, found, NAMES, detection_metrics(frames, found, NAMES), ["x", "x"])

    drawn = {one.name: cv2.imread(str(one)) for one in (tmp_path / "report").iterdir()}
    assert set(drawn) == {"precision-recall.png", "confusion.png", "misses.png", "false-alarms.png"}
    assert all(picture.std() > 1 for picture in drawn.values())


def test_nothing_found_at_all_is_drawn_too(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.full((60, 40), 90, np.uint8))
    frames = [LabelledFrame("a", path, np.array([[2, 2, 20, 20]], np.float32), np.array([1]))]
    none = np.zeros(0, np.float32)
    found = [Detections(np.zeros((0, 4), np.float32), none, np.zeros(0, np.int64), none, (*NAMES, "unknown"))]

    draw_report(tmp_path, frames, found, NAMES, detection_metrics(frames, found, NAMES), ["x"])

    assert (tmp_path / "misses.png").is_file()
