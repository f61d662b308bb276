from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import coco_index, greedy_match, ground_truth

TRUE = np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32)


def labelled(xyxy, class_id):
    return LabelledFrame("f", Path("f.png"), np.array(xyxy, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


@pytest.mark.parametrize(
    ("boxes", "matches"),
    [
        ([], []),
        (TRUE, [0, 1]),
        (TRUE[::-1], [1, 0]),
        ([TRUE[0], TRUE[0] + 1], [0, -1]),  # an object is matched once
        ([[0, 0, 10, 5], [20, 20, 40, 29]], [0, -1]),  # IoU 0.5 is a match, 0.45 is not
    ],
)
def test_each_box_matches_the_object_that_it_overlaps_most(boxes, matches):
    assert greedy_match(TRUE, np.array(boxes, np.float32).reshape(-1, 4)).tolist() == matches


def test_without_objects_no_box_matches():
    assert greedy_match(TRUE[:0], TRUE).tolist() == [-1, -1]


def test_boxes_become_xywh_and_ids_start_at_one():
    coco = ground_truth([labelled([], []), labelled([[10, 20, 40, 60]], [1])], ["can", "tire"])

    (box,) = coco.loadAnns(coco.getAnnIds())
    assert (box["id"], box["image_id"], box["category_id"]) == (1, 2, 2)
    assert (box["bbox"], box["area"], box["iscrowd"]) == ([10, 20, 30, 40], 1200, 0)
    assert coco.getImgIds() == [1, 2]
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["can", "tire"]


def test_frames_without_any_box_are_an_error():
    with pytest.raises(SonarDebrisError, match="Received: 1 frames"):
        ground_truth([labelled([], [])], ["can"])


def test_no_detections_give_an_empty_index(capsys):
    coco = coco_index([np.empty((0, 4))], [np.empty(0, int)], ["can"], [np.empty(0)])

    assert (len(coco.imgs), len(coco.anns)) == (1, 0)
    assert capsys.readouterr().out == ""
