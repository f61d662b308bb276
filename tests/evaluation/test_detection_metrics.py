"""Average precisions that are known on paper."""

from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.detection_metrics import align_class_names, detection_metrics

NAMES = ("can", "tire", "wall")
A, B, FAR = [0, 0, 10, 10], [40, 40, 60, 60], [100, 100, 120, 120]


def labelled(boxes, class_id):
    return LabelledFrame("f", Path("f.png"), np.array(boxes, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def detected(boxes, class_id, score, names=(*NAMES, "unknown")):
    score = np.array(score, np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), score, np.array(class_id, np.int64), score, names)


def test_perfect_detections_score_one():
    metrics = detection_metrics([labelled([A, B], [0, 1])], [detected([A, B], [0, 1], [0.9, 0.8])], NAMES)

    assert (metrics.map50, metrics.map50_95) == pytest.approx((1, 1))
    assert metrics.ap50 == pytest.approx({"can": 1, "tire": 1})  # no wall in the frame: not counted as a zero
    assert metrics.boxes == {"can": 1, "tire": 1}
    assert (metrics.best.f1, metrics.best.threshold) == pytest.approx((1, 0.8))
    assert metrics.recall50 == {10: 1, 30: 1, 60: 1, 100: 1}


def test_no_detections_score_zero():
    metrics = detection_metrics([labelled([A, B], [0, 1])], [detected([], [], [])], NAMES)

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
        # one object found twice: the second find is wrong
        ([A, A, B], [0.9, 0.8, 0.7], (51 + 50 * 2 / 3) / 101),
    ],
)
def test_average_precision_on_paper(boxes, scores, ap):
    metrics = detection_metrics([labelled([A, B], [0, 0])], [detected(boxes, [0] * len(boxes), scores)], NAMES)

    assert metrics.ap50["can"] == pytest.approx(ap)


def test_a_loose_box_counts_up_to_its_iou():
    # 8 of 10 columns: IoU 0.8, which meets 0.5, 0.55 … 0.8, seven of the ten
    metrics = detection_metrics([labelled([A], [0])], [detected([[0, 0, 8, 10]], [0], [0.9])], NAMES)

    assert metrics.map50 == pytest.approx(1)
    assert metrics.map50_95 == pytest.approx(0.7)


def test_a_wrong_name_is_no_hit_but_is_found():
    metrics = detection_metrics([labelled([A], [0])], [detected([A], [1], [0.9])], NAMES)

    assert metrics.map50 == metrics.best.f1 == 0
    assert metrics.recall50[10] == 1


def test_unknown_objects_count_for_recall_only():
    found = detected([A, B], [0, 3], [0.9, 0.8])
    metrics = detection_metrics([labelled([A, B], [0, 1])], [found], NAMES)

    assert (metrics.detections, metrics.unknown) == (1, 1)
    assert metrics.map50 == pytest.approx(0.5)
    assert metrics.best.precision == 1  # the unknown one does not count as a false find
    assert metrics.recall50[10] == 1


def test_common_means_leave_out_classes_of_few_boxes():
    cans = [[20 * i, 0, 20 * i + 10, 10] for i in range(10)]
    metrics = detection_metrics([labelled([*cans, FAR], [0] * 10 + [1])], [detected(cans, [0] * 10, [0.9] * 10)], NAMES)

    assert metrics.map50 == pytest.approx(0.5)
    assert metrics.map50_common == metrics.map50_95_common == pytest.approx(1)


def test_common_means_are_none_without_such_a_class():
    metrics = detection_metrics([labelled([A], [0])], [detected([A], [0], [0.9])], NAMES)

    assert metrics.map50_common is metrics.map50_95_common is None


def test_boxes_match_within_their_own_frame():
    frames = [labelled([A], [0]), labelled([B], [0])]
    crossed = [detected([B], [0], [0.9]), detected([A], [0], [0.9])]

    assert detection_metrics(frames, crossed, NAMES).map50 == 0
    assert detection_metrics(frames, crossed[::-1], NAMES).map50 == pytest.approx(1)


@pytest.mark.parametrize("frames", [[], [labelled([], [])]])
def test_nothing_labelled_is_an_error(frames):
    with pytest.raises(SonarDebrisError, match="nothing to score"):
        detection_metrics(frames, [detected([], [], [])] * len(frames), NAMES)


def test_as_many_detections_as_frames_are_needed():
    with pytest.raises(ValueError, match="Received: 2 for 1 frames"):
        detection_metrics([labelled([A], [0])], [detected([], [], [])] * 2, NAMES)


def test_pycocotools_keeps_silent(capsys):
    detection_metrics([labelled([A], [0])], [detected([A], [0], [0.9])], NAMES)

    assert capsys.readouterr().out == ""


def test_rename_pairs_by_name_whatever_the_case():
    found = detected([A, A, A], [0, 1, 2], [0.9, 0.8, 0.7], names=("Tire", "anchor", "unknown"))

    assert align_class_names(found, NAMES).names == ["tire", "unknown", "unknown"]
    assert align_class_names(found[:0], NAMES).names == []
