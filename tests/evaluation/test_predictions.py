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


@pytest.mark.parametrize(
    "change",
    [
        {"score": float("nan")},
        {"score": "0.5"},
        {"score": 10**400},
        {"score": -0.1},
        {"score": None},
        {"objectness": float("inf")},
        {"bbox": [1, 2, float("inf"), 4]},
        {"bbox": [1, 2, -3, 4]},
        {"bbox": [1, 2, "3", 4]},
        {"bbox": [[1], 2, 3, 4]},
        {"bbox": "abcd"},
        {"category_id": 9},
        {"category_id": []},
        {"image_id": {}},
        {"image_id": 99},
    ],
    ids=str,
)
def test_an_annotation_that_would_be_scored_wrong_is_one_error_line(tmp_path, change):
    path = write_coco(tmp_path, {**COCO, "annotations": [{**COCO["annotations"][0], **change}]})

    with pytest.raises(SonarDebrisError, match="not a readable COCO file") as error:
        read_predictions(path, labelled_frames("frame-2"))
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"images": ' + "[" * 50_000,
        '{"images": 3, "categories": [], "annotations": []}',
        '{"images": [3], "categories": [], "annotations": []}',
        '{"images": [{"id": [], "file_name": "a"}], "categories": [], "annotations": []}',
        '{"images": [{"id": 1, "file_name": 3}], "categories": [], "annotations": []}',
        '{"images": [], "categories": [{"id": 1, "name": 3}], "annotations": []}',
        '{"images": [], "categories": [null], "annotations": []}',
        '{"images": [], "categories": [], "annotations": [7]}',
    ],
    ids=lambda content: content[:70],
)
def test_hostile_json_is_one_error_line(tmp_path, content):
    (tmp_path / "detections.json").write_text(content)

    with pytest.raises(SonarDebrisError, match="not a readable COCO file") as error:
        read_predictions(tmp_path / "detections.json", labelled_frames("frame-2"))
    assert "\n" not in str(error.value)


def test_two_images_of_one_name_are_refused_because_their_detections_cannot_be_told_apart(tmp_path):
    images = [{"id": 7, "file_name": "a/frame-2.png"}, {"id": 8, "file_name": "b/frame-2.png"}]
    path = write_coco(tmp_path, {**COCO, "images": images})

    with pytest.raises(SonarDebrisError, match="several images are named frame-2"):
        read_predictions(path, labelled_frames("frame-2"))
    assert read_predictions(path, labelled_frames("frame-1"))[1] == ["frame-1"]


def test_a_byte_order_mark_is_ignored(tmp_path):
    path = write_coco(tmp_path, COCO)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(read_predictions(path, labelled_frames("frame-2"))[0][0]) == 2
