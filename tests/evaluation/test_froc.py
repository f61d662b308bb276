import json
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.froc import (
    FALSE_PER_FRAME,
    as_detections,
    drop_ignored,
    froc,
    froc_of_groups,
    plot_froc,
    read_ignore_regions,
)

CLASSES = ("can", "tire", "wall")
CAN, WALL, FAR, FARTHER = [0, 0, 10, 10], [40, 40, 60, 60], [100, 100, 120, 120], [200, 200, 220, 220]


def labelled(boxes, classes=None, name="f"):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return LabelledFrame(name, Path(f"{name}.png"), xyxy, np.array(classes or [0] * len(xyxy), np.int64))


def detected(*boxes, class_id=None, alternative=None):
    """Return detections of boxes and scores ``(box, score)``, in this order."""
    score = np.array([score for _, score in boxes], np.float32)
    return Detections(
        np.array([box for box, _ in boxes], np.float32).reshape(-1, 4),
        score,
        np.array(class_id or [0] * len(boxes), np.int64),
        score,
        (*CLASSES, "unknown"),
        np.array(alternative or [False] * len(boxes)),
    )


def recalls(curve):
    return [curve.recall_at(rate) for rate in FALSE_PER_FRAME]


def test_recall_rises_with_the_false_boxes_per_frame():
    frames = [labelled([CAN]), labelled([WALL], name="g")]
    detections = [detected((CAN, 0.9), (FAR, 0.8)), detected((FAR, 0.7), (WALL, 0.6))]
    curve = froc(frames, detections)

    np.testing.assert_allclose(curve.threshold, [0.9, 0.8, 0.7, 0.6])
    np.testing.assert_allclose(curve.false_per_frame, [0, 0.5, 1, 1])
    np.testing.assert_allclose(curve.recall, [0.5, 0.5, 0.5, 1])
    assert recalls(curve) == [0.5, 0.5, 1, 1, 1]


def test_the_score_threshold_is_common_to_all_frames():
    # The second frame has two false boxes and the first none; on average they are one per frame.
    frames = [labelled([CAN]), labelled([])]
    curve = froc(frames, [detected((CAN, 0.1)), detected((CAN, 0.9), (FAR, 0.8))])

    assert recalls(curve) == [0, 0, 1, 1, 1]


def test_equal_scores_are_reported_together():
    curve = froc([labelled([CAN])], [detected((CAN, 0.5), (FAR, 0.5))])

    assert recalls(curve) == [0, 0, 1, 1, 1]


def test_a_rate_that_is_no_exact_float_holds_its_false_boxes():
    frames = [labelled([CAN])] + [labelled([])] * 29
    false_boxes = [detected((FAR, 0.9))] * 3 + [detected()] * 26

    assert froc(frames, [detected((CAN, 0.1)), *false_boxes]).recall_at(0.1) == 1  # 3 false boxes in 30 frames


def test_the_class_of_a_detection_does_not_matter():
    assert recalls(froc([labelled([CAN])], [detected((CAN, 0.9), class_id=[3])])) == [1] * 5


def test_a_second_box_on_an_object_is_false():
    curve = froc([labelled([CAN])], [detected((CAN, 0.9), (CAN, 0.8))])

    assert curve.false_per_frame.tolist() == [0, 1]


@pytest.mark.parametrize(
    "second", [{"class_id": [0, 1]}, {"alternative": [False, True]}], ids=["other label", "alternative"]
)
@pytest.mark.parametrize("box", [CAN, FAR], ids=["object", "background"])
def test_a_box_under_two_labels_counts_once(second, box):
    curve = froc([labelled([CAN])], [detected((box, 0.9), (box, 0.8), **second)])

    assert curve.false_per_frame.tolist() == [0 if box == CAN else 1]


def test_two_objects_that_overlap_are_both_found_under_two_labels():
    behind = [0, 0, 10, 13]
    curve = froc([labelled([CAN, behind])], [detected((CAN, 0.9), (behind, 0.8), class_id=[0, 1])])

    assert curve.recall.tolist() == [0.5, 1]


def test_boxes_of_excluded_classes_count_neither_way():
    frames = [labelled([CAN, WALL], [0, 2])]
    detections = [detected((WALL, 0.9), (WALL, 0.8), (FAR, 0.7), (CAN, 0.6))]

    assert froc(frames, detections).boxes == 2
    curve = froc(frames, detections, CLASSES, ["wall"])
    assert curve.boxes == 1
    np.testing.assert_allclose(curve.threshold, [0.7, 0.6])
    assert curve.false_per_frame.tolist() == [1, 1] and curve.recall.tolist() == [0, 1]


def test_an_object_inside_an_ignore_region_is_still_an_object():
    curve = froc([labelled([CAN])], [detected((CAN, 0.9))], ignore=[np.array([CAN], np.float32)])

    assert recalls(curve) == [1] * 5


def test_a_second_box_on_an_object_is_false_in_an_ignore_region_too():
    curve = froc([labelled([CAN])], [detected((CAN, 0.9), (CAN, 0.8))], ignore=[np.array([CAN], np.float32)])

    assert curve.false_per_frame.tolist() == [0, 1]


@pytest.mark.parametrize(("width", "false_boxes"), [(20, 0), (9, 1)])
def test_an_ignore_region_must_overlap_by_one_half(width, false_boxes):
    region = np.array([[100, 100, 100 + width, 120]], np.float32)
    curve = froc([labelled([CAN])], [detected((FAR, 0.9), (CAN, 0.8))], ignore=[region])

    assert curve.false_per_frame[-1] == false_boxes


def test_what_is_reported_at_the_thresholds_of_the_models():
    frames = [labelled([CAN]), labelled([CAN], name="g")]
    detections = [detected((CAN, 0.9), (FAR, 0.8)), detected((FAR, 0.7), (CAN, 0.2))]
    kept = [np.array([True, True]), np.array([True, False])]
    reported = froc(frames, detections, reported=kept).reported

    assert (reported.recall, reported.precision, reported.false_per_frame) == (0.5, pytest.approx(1 / 3), 1)
    assert froc(frames, detections).reported is None


def test_alternative_labels_are_not_reported():
    detections = detected((FAR, 0.9), (CAN, 0.8), alternative=[False, True])
    reported = froc([labelled([CAN])], [detections], reported=[np.array([True, True])]).reported

    assert (reported.recall, reported.false_per_frame) == (0, 1)


def test_no_detections_find_nothing():
    curve = froc([labelled([CAN])], [detected()], reported=[np.zeros(0, bool)])

    assert recalls(curve) == [0] * 5
    assert (curve.reported.recall, curve.reported.precision, curve.reported.false_per_frame) == (0, 0, 0)


def test_without_objects_there_is_no_curve():
    with pytest.raises(SonarDebrisError, match="no labelled box of a class other than wall in 1 frames"):
        froc([labelled([WALL], [2])], [detected()], CLASSES, ["wall"])


def test_unknown_names_to_exclude_are_refused():
    with pytest.raises(ValueError, match="Received: walls"):
        froc([labelled([CAN])], [detected()], CLASSES, ["walls"])


def test_groups_are_with_and_without_excluded_classes_and_regions():
    frames = [labelled([CAN, WALL], [0, 2])]
    detections = [detected((FAR, 0.9), (WALL, 0.8), (CAN, 0.7))]
    curves = froc_of_groups(frames, detections, CLASSES, ["wall"], [np.array([FAR], np.float32)])

    assert {name: (curve.boxes, curve.recall_at(0.5)) for name, curve in curves.items()} == {
        "all objects": (2, 0),
        "without wall": (1, 0),
        "all objects, audited": (2, 1),
        "without wall, audited": (1, 1),
    }
    assert list(froc_of_groups(frames, detections, CLASSES)) == ["all objects"]


def test_figures_can_be_written_as_json():
    figures = froc([labelled([CAN])], [detected((CAN, 0.9))], reported=[np.array([True])]).figures()

    assert json.loads(json.dumps(figures)) == {
        "boxes": 1,
        "recall": {"0.1": 1, "0.5": 1, "1": 1, "2": 1, "5": 1},
        "reported": {"recall": 1, "precision": 1, "false_per_frame": 0},
    }


def test_proposals_are_ranked_by_objectness():
    boxes = np.array([FAR, CAN], np.float32)

    assert recalls(froc([labelled([CAN])], [as_detections(boxes, np.float32([0.9, 0.8]))])) == [0, 0, 1, 1, 1]


def test_ignored_detections_are_dropped_unless_they_show_an_object():
    detections = detected((CAN, 0.9), (FAR, 0.8), (FARTHER, 0.7))
    (kept,) = drop_ignored([labelled([CAN])], [detections], [np.array([CAN, FAR], np.float32)])

    assert kept.xyxy.tolist() == [CAN, FARTHER]


def test_curves_are_drawn_into_a_new_folder(tmp_path):
    plot_froc(tmp_path / "new" / "froc.png", {"all objects": froc([labelled([CAN])], [detected((CAN, 0.9))])})

    assert (tmp_path / "new" / "froc.png").read_bytes().startswith(b"\x89PNG")


AUDIT = {
    "images": [{"id": 1, "file_name": "tank/f.png"}, {"id": 2, "file_name": "other.png"}],
    "annotations": [{"image_id": 1, "bbox": [100, 100, 20, 20]}, {"image_id": 2, "bbox": [0, 0, 1, 1]}],
}


def write_audit(folder, content):
    path = folder / "audit.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_ignore_regions_are_paired_by_the_stem_of_the_file_name(tmp_path):
    regions = read_ignore_regions(write_audit(tmp_path, AUDIT), [labelled([], name="dive/f"), labelled([], name="g")])

    assert [boxes.tolist() for boxes in regions] == [[FAR], []]


def test_an_audit_of_other_frames_is_refused(tmp_path):
    with pytest.raises(SonarDebrisError, match="lists none of the 1 frames, e.g. g"):
        read_ignore_regions(write_audit(tmp_path, AUDIT), [labelled([], name="g")])


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[" * 100_000,
        "[]",
        "{}",
        {**AUDIT, "annotations": [{"image_id": 1}]},
        {**AUDIT, "annotations": [{"image_id": 3, "bbox": [1, 2, 3, 4]}]},
        {**AUDIT, "annotations": [{"image_id": 1, "bbox": [1, 2, 3]}]},
        {**AUDIT, "annotations": [{"image_id": 1, "bbox": [1, 2, -3, 4]}]},
        {**AUDIT, "annotations": [{"image_id": 1, "bbox": [1, 2, float("nan"), 4]}]},
        {**AUDIT, "annotations": [{"image_id": 1, "bbox": "abcd"}]},
        {**AUDIT, "annotations": [7]},
    ],
    ids=lambda content: str(content)[-40:],
)
def test_a_file_of_another_content_is_one_error_line(tmp_path, content):
    path = write_audit(tmp_path, content)

    with pytest.raises(SonarDebrisError, match="not a readable COCO file of boxes to ignore") as error:
        read_ignore_regions(path, [labelled([])])
    assert str(path) in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SonarDebrisError, match=r"absent\.json"):
        read_ignore_regions(tmp_path / "absent.json", [labelled([])])
