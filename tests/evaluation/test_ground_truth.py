from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import coco_index, ground_truth


def frame(xyxy, class_id):
    return LabelledFrame("f", Path("f.png"), np.array(xyxy, np.float32).reshape(-1, 4), np.array(class_id, np.int64))


def test_boxes_become_xywh_and_ids_start_at_one():
    coco = ground_truth([frame([], []), frame([[10, 20, 40, 60]], [1])], ["can", "tire"])

    (box,) = coco.loadAnns(coco.getAnnIds())
    assert (box["id"], box["image_id"], box["category_id"]) == (1, 2, 2)
    assert (box["bbox"], box["area"], box["iscrowd"]) == ([10, 20, 30, 40], 1200, 0)
    assert coco.getImgIds() == [1, 2]
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["can", "tire"]


def test_no_box_at_all_is_an_error():
    with pytest.raises(SonarDebrisError, match="Received: 1 frames"):
        ground_truth([frame([], [])], ["can"])


def test_no_detections_are_an_empty_index(capsys):
    coco = coco_index([np.empty((0, 4))], [np.empty(0, int)], ["can"], [np.empty(0)])

    assert (len(coco.imgs), len(coco.anns)) == (1, 0)
    assert capsys.readouterr().out == ""
