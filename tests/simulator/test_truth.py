import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.ground_truth import CocoTruth

IMAGE = np.zeros((480, 320), np.uint8)


def test_boxes_become_xywh_and_ids_count_from_one():
    truth = CocoTruth({"seed": 1})
    truth.add("empty.png", IMAGE.shape, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    truth.add("a.png", IMAGE.shape, np.array([[10, 20, 40, 60]], np.float32), np.array([3]))
    content = truth.content()
    assert [image["id"] for image in content["images"]] == [1, 2]
    assert content["images"][1] == {"id": 2, "file_name": "a.png", "width": 320, "height": 480, "frame_index": 0}
    assert content["annotations"] == [
        {"id": 1, "image_id": 2, "category_id": 4, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0}
    ]


def test_categories_are_the_watertank_classes():
    categories = CocoTruth({}).content()["categories"]
    assert [category["name"] for category in categories] == list(CLASS_NAMES)
    assert [category["id"] for category in categories] == list(range(1, 12))
