"""Detection metrics that are known on paper."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.detection_metrics import (
    align_class_names,
    evaluate_detections,
    metrics_by_scene,
    metrics_by_size,
)

NAMES = ("can", "tire", "wall")
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [100, 100, 120, 120]
SMALL, LARGE = [0, 0, 10, 10], [20, 20, 70, 70]


def labelled(boxes, class_id):
    return LabelledFrame("f", Path("f.png"), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def detected(boxes, class_id, score, names=(*NAMES, "unknown")):
    score = np.array(score, np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), score, np.array(class_id, np.int64), score, names)


def ranked(boxes, class_id):
    return detected(boxes, class_id, np.linspace(0.9, 0.5, len(boxes)))


def test_perfect_detections_score_one():
    metrics = evaluate_detections([labelled([A, B], [0, 1])], [detected([A, B], [0, 1], [0.9, 0.8])], NAMES)

    assert (metrics.map50, metrics.map50_95) == pytest.approx((1, 1))
    assert metrics.ap50 == pytest.approx({"can": 1, "tire": 1})  # no wall in the frame: not counted as a zero
    assert metrics.boxes == {"can": 1, "tire": 1}
    assert (metrics.best.f1, metrics.best.threshold) == pytest.approx((1, 0.8))
    assert metrics.recall50 == {10: 1, 30: 1, 60: 1, 100: 1}


def test_no_detections_score_zero():
    metrics = evaluate_detections([labelled([A, B], [0, 1])], [detected([], [], [])], NAMES)

    assert (metrics.map50, metrics.map50_95, metrics.best.f1, metrics.detections) == (0, 0, 0, 0)
    assert metrics.best.threshold is None
    assert set(metrics.recall50.values()) == {0}


@pytest.mark.parametrize(
    ("boxes", "scores", "ap"),
    [
        # the right box first: recall 1/2 at precision 1, which holds for 51 of the 101 recalls 0, 0.01 … 1
        ([A, FAR], [0.9, 0.8], 51 / 101),
        # the right box second: precision 1/2 for those 51
        ([FAR, A], [0.9, 0.8], 51 / 101 / 2),
        # right, wrong, right: 1 up to recall 1/2, then 2/3 for the other 50
        ([A, FAR, B], [0.9, 0.8, 0.7], (51 + 50 * 2 / 3) / 101),
        # an object detected twice: the second detection is wrong
        ([A, A, B], [0.9, 0.8, 0.7], (51 + 50 * 2 / 3) / 101),
    ],
)
def test_average_precision_on_paper(boxes, scores, ap):
    metrics = evaluate_detections([labelled([A, B], [0, 0])], [detected(boxes, [0] * len(boxes), scores)], NAMES)

    assert metrics.ap50["can"] == pytest.approx(ap)


def test_a_loose_box_matches_up_to_its_iou():
    # 8 of 10 columns: IoU 0.8, a match at 0.5, 0.55 … 0.8, seven of the ten thresholds
    metrics = evaluate_detections([labelled([A], [0])], [detected([[0, 0, 8, 10]], [0], [0.9])], NAMES)

    assert metrics.map50 == pytest.approx(1)
    assert metrics.map50_95 == pytest.approx(0.7)


def test_a_wrong_class_is_no_match_but_counts_for_recall():
    metrics = evaluate_detections([labelled([A], [0])], [detected([A], [1], [0.9])], NAMES)

    assert metrics.map50 == metrics.best.f1 == 0
    assert metrics.recall50[10] == 1


def test_unknown_objects_count_for_recall_only():
    detections = detected([A, B], [0, 3], [0.9, 0.8])
    metrics = evaluate_detections([labelled([A, B], [0, 1])], [detections], NAMES)

    assert (metrics.detections, metrics.unknown) == (1, 1)
    assert metrics.map50 == pytest.approx(0.5)
    assert metrics.best.precision == 1  # the unknown object is not a false alarm
    assert metrics.recall50[10] == 1


def test_common_means_leave_out_classes_of_few_boxes():
    cans = [[20 * i, 0, 20 * i + 10, 10] for i in range(10)]
    frames, detections = [labelled([*cans, FAR], [0] * 10 + [1])], [detected(cans, [0] * 10, [0.9] * 10)]
    metrics = evaluate_detections(frames, detections, NAMES)

    assert metrics.map50 == pytest.approx(0.5)
    assert metrics.map50_common == metrics.map50_95_common == pytest.approx(1)


def test_common_means_are_none_without_such_a_class():
    metrics = evaluate_detections([labelled([A], [0])], [detected([A], [0], [0.9])], NAMES)

    assert metrics.map50_common is metrics.map50_95_common is None


def test_boxes_match_within_their_own_frame():
    frames = [labelled([A], [0]), labelled([B], [0])]
    swapped = [detected([B], [0], [0.9]), detected([A], [0], [0.9])]

    assert evaluate_detections(frames, swapped, NAMES).map50 == 0
    assert evaluate_detections(frames, swapped[::-1], NAMES).map50 == pytest.approx(1)


@pytest.mark.parametrize("frames", [[], [labelled([], [])]])
def test_frames_without_any_box_are_an_error(frames):
    with pytest.raises(SonarDebrisError, match="nothing to score"):
        evaluate_detections(frames, [detected([], [], [])] * len(frames), NAMES)


def test_frames_and_detections_must_be_as_many():
    with pytest.raises(ValueError, match="Received: 2 for 1 frames"):
        evaluate_detections([labelled([A], [0])], [detected([], [], [])] * 2, NAMES)


def test_pycocotools_prints_nothing(capsys):
    evaluate_detections([labelled([A], [0])], [detected([A], [0], [0.9])], NAMES)

    assert capsys.readouterr().out == ""


def test_class_names_are_paired_by_name_ignoring_case():
    detections = detected([A, A, A], [0, 1, 2], [0.9, 0.8, 0.7], names=("Tire", "anchor", "unknown"))

    aligned, empty = align_class_names([detections, detections[:0]], NAMES)

    assert aligned.names == ["tire", "unknown", "unknown"]
    assert empty.names == []


def test_aligned_detections_stay_as_they_are():
    detections = [detected([A, B], [3, 1], [0.9, 0.8])]

    (aligned,) = align_class_names(detections, NAMES)

    assert aligned.class_names == (*NAMES, "unknown")
    assert aligned.class_id.tolist() == [3, 1]


def test_detections_of_other_class_names_are_evaluated_by_name():
    tires = detected([A, B], [1, 0], [0.9, 0.8], names=("Tire", "Can", "unknown"))
    frames = [labelled([A, B], [0, 1])]

    assert evaluate_detections(frames, [tires], NAMES).map50 == pytest.approx(1)
    assert metrics_by_size(frames, [tires], NAMES)["under 32 px"].map50 == pytest.approx(1)
    assert metrics_by_scene(frames, [tires], NAMES, ["a"])["a"].map50 == pytest.approx(1)


def test_each_size_is_evaluated_on_its_own():
    subsets = metrics_by_size([labelled([SMALL, LARGE], [0, 1])], [ranked([SMALL], [0])], NAMES)

    assert list(subsets) == ["under 32 px", "32 to 64 px"]
    assert astuple(subsets["under 32 px"]) == pytest.approx((1, 1, 1))
    assert astuple(subsets["32 to 64 px"]) == (1, 0, 0)


def test_a_box_of_another_size_is_no_false_alarm():
    subsets = metrics_by_size([labelled([SMALL], [0])], [ranked([LARGE, SMALL], [0, 0])], NAMES)

    assert subsets["under 32 px"].map50 == pytest.approx(1)


def test_each_scene_is_evaluated_on_its_own():
    frames = [labelled([SMALL], [0]), labelled([LARGE, SMALL], [1, 1]), labelled([], [])]
    detections = [ranked([SMALL], [0]), ranked([LARGE], [1]), ranked([SMALL], [0])]

    subsets = metrics_by_scene(frames, detections, NAMES, ["a", "b", "c"])

    assert set(subsets) == {"a", "b"}  # scene c shows no object
    assert astuple(subsets["a"]) == pytest.approx((1, 1, 1))
    assert (subsets["b"].boxes, subsets["b"].recall50) == (2, 0.5)
