import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from sonar_debris.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.coco import CocoFile

NAMES = ("can", "tire", "unknown")


def frame(name: str, rows: int = 4, cols: int = 6, index: int = 0) -> Frame:
    return Frame(np.zeros((rows, cols), np.float32), Path(name), name, index)


def detections(boxes, scores, class_id) -> Detections:
    scores = np.array(scores, np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.array(class_id, int), scores / 2, NAMES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "detections.coco.json"


def test_file_has_images_categories_annotations_and_failures(path):
    coco = CocoFile(NAMES, {"model": "m"})
    coco.add(frame("a/1.png"), detections([[1, 2, 4, 3.5], [0, 0, 1, 1]], [0.75, 0.5], [1, 2]))
    coco.add(frame("dive.aris", rows=8, cols=2, index=3), detections([], [], []))
    coco.add_failure("bad.png", "the file is empty")
    coco.write(path)

    assert json.loads(path.read_text()) == {
        "info": {"model": "m"},
        "images": [
            {"id": 1, "file_name": "a/1.png", "width": 6, "height": 4, "frame_index": 0},
            {"id": 2, "file_name": "dive.aris", "width": 2, "height": 8, "frame_index": 3},
        ],
        "categories": [{"id": 1, "name": "can"}, {"id": 2, "name": "tire"}, {"id": 3, "name": "unknown"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 2,
                "bbox": [1.0, 2.0, 3.0, 1.5],  # xywh, where the detection has xyxy
                "area": 4.5,
                "iscrowd": 0,
                "score": 0.75,
                "objectness": 0.375,
            },
            {
                "id": 2,
                "image_id": 1,
                "category_id": 3,
                "bbox": [0.0, 0.0, 1.0, 1.0],
                "area": 1.0,
                "iscrowd": 0,
                "score": 0.5,
                "objectness": 0.25,
            },
        ],
        "failures": [{"file_name": "bad.png", "error": "the file is empty"}],
    }


def test_pycocotools_loads_the_file(path):
    coco = CocoFile(NAMES, {})
    coco.add(frame("a.png"), detections([[1, 1, 3, 3]], [0.9], [0]))
    coco.add(frame("b.png"), detections([], [], []))
    coco.write(path)

    with contextlib.redirect_stdout(io.StringIO()):
        loaded = COCO(str(path))

    assert loaded.getImgIds() == [1, 2]
    assert [a["bbox"] for a in loaded.loadAnns(loaded.getAnnIds(imgIds=1))] == [[1, 1, 2, 2]]
    assert loaded.getAnnIds(imgIds=2) == []


def test_earlier_file_is_kept_if_writing_fails(path):
    path.write_text("earlier")
    coco = CocoFile(NAMES, {"min_score": float("nan")})  # JSON has no NaN

    with pytest.raises(ValueError, match="not JSON compliant"):
        coco.write(path)

    assert path.read_text() == "earlier"
    assert list(path.parent.iterdir()) == [path]


def test_only_alternative_labels_are_marked(path):
    coco = CocoFile(NAMES, {})
    labels = detections([[1, 1, 3, 3]] * 2, [0.9, 0.2], [0, 1])
    coco.add(frame("a.png"), replace(labels, alternative=np.array([False, True])))
    coco.write(path)

    assert [annotation.get("alternative") for annotation in json.loads(path.read_text())["annotations"]] == [None, True]
