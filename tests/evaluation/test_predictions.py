import json
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.cross_validation import read_predictions

COCO = {
    "images": [{"id": 7, "file_name": "tank/frame-2.png"}, {"id": 8, "file_name": "frame-1.jpg"}],
    "categories": [{"id": 3, "name": "can"}, {"id": 5, "name": "unknown"}],
    "annotations": [
        {"image_id": 7, "category_id": 5, "bbox": [1, 2, 3, 4], "score": 0.2, "alternative": True},
        {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.9, "objectness": 0.95},
    ],
}


def labelled_frames(*names):
    return [LabelledFrame(name, Path(name), np.empty((0, 4)), np.empty(0)) for name in names]


def write_coco(folder, coco):
    path = folder / "detections.coco.json"
    path.write_text(json.dumps(coco))
    return path


def test_frames_are_paired_by_stem_and_detections_sorted_by_score(tmp_path):
    frames = labelled_frames("frame-1", "frame-2")
    (empty, detections), missing = read_predictions(write_coco(tmp_path, COCO), frames)

    assert missing == [] and len(empty) == 0 and empty.xyxy.shape == (0, 4)
    assert detections.names == ["can", "unknown"]
    np.testing.assert_allclose(detections.xyxy, [[10, 20, 40, 60], [1, 2, 4, 6]])
    np.testing.assert_allclose(detections.score, [0.9, 0.2])
    np.testing.assert_allclose(detections.objectness, [0.95, 0.2])
    assert detections.alternative.tolist() == [False, True]


def test_frames_that_are_not_listed_are_returned(tmp_path):
    detections, missing = read_predictions(write_coco(tmp_path, COCO), labelled_frames("frame-3", "frame-2"))

    assert missing == ["frame-3"]
    assert list(map(len, detections)) == [0, 2]


@pytest.mark.parametrize(
    "coco",
    [
        [],
        {},
        {**COCO, "categories": []},
        {**COCO, "images": []},
        {**COCO, "annotations": [{**COCO["annotations"][0], "bbox": [1, 2, 3]}]},
        {**COCO, "annotations": [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]}]},
    ],
    ids=["list", "empty", "no category", "no image", "short box", "no score"],
)
def test_a_file_of_another_content_is_one_error_line(tmp_path, coco):
    path = write_coco(tmp_path, coco)

    with pytest.raises(SonarDebrisError, match="not a readable COCO file") as error:
        read_predictions(path, labelled_frames("frame-2"))

    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["binary.json", "absent.json"])
def test_a_file_that_is_not_json_or_does_not_exist_is_an_error(tmp_path, name):
    (tmp_path / "binary.json").write_bytes(b"\x89PNG\xff")

    with pytest.raises(SonarDebrisError, match=name):
        read_predictions(tmp_path / name, labelled_frames("frame-2"))
