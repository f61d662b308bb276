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
        {"image_id": 7, "category_id": 5, "bbox": [1, 2, 3, 4], "score": 0.2},
        {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.9, "objectness": 0.95},
    ],
}


def frames(*names):
    return [LabelledFrame(name, Path(name), np.empty((0, 4)), np.empty(0)) for name in names]


def written(folder, coco):
    path = folder / "detections.coco.json"
    path.write_text(json.dumps(coco))
    return path


def test_frames_are_found_by_stem_best_score_first(tmp_path):
    (empty, found), missing = read_predictions(written(tmp_path, COCO), frames("frame-1", "frame-2"))

    assert missing == [] and len(empty) == 0 and empty.xyxy.shape == (0, 4)
    assert found.names == ["can", "unknown"]
    np.testing.assert_allclose(found.xyxy, [[10, 20, 40, 60], [1, 2, 4, 6]])
    np.testing.assert_allclose(found.score, [0.9, 0.2])
    np.testing.assert_allclose(found.objectness, [0.95, 0.2])


def test_a_frame_not_listed_is_named(tmp_path):
    found, missing = read_predictions(written(tmp_path, COCO), frames("frame-3", "frame-2"))

    assert missing == ["frame-3"]
    assert [len(one) for one in found] == [0, 2]


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
def test_another_file_is_one_error_line(tmp_path, coco):
    path = written(tmp_path, coco)

    with pytest.raises(SonarDebrisError, match="not a readable COCO file") as error:
        read_predictions(path, frames("frame-2"))

    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_not_json_or_not_there_is_an_error(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"\x89PNG\xff")
    for name in ("binary.json", "none.json"):
        with pytest.raises(SonarDebrisError, match=name):
            read_predictions(tmp_path / name, frames("frame-2"))
