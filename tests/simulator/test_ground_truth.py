import json
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.files import OutputError
from sonar_debris.frames import open_frames
from sonar_debris.simulator.ground_truth import CocoTruth, simulate
from sonar_debris.simulator.new_shapes import NEW_SHAPES

IMAGE = np.zeros((480, 320), np.uint8)


def read_truth(truth):
    return json.loads(truth.path.read_text())


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


def test_boxes_are_not_rounded():
    box = np.array([[0.0625, 0.03125, 1.0009765625, 2.0]], np.float32)
    truth = CocoTruth({})
    truth.add("a.png", IMAGE.shape, box, np.array([3]))
    (annotation,) = truth.content()["annotations"]
    assert annotation["bbox"] == [0.0625, 0.03125, 0.9384765625, 1.96875]


def test_categories_are_the_watertank_classes():
    categories = CocoTruth({}).content()["categories"]
    assert [category["name"] for category in categories] == list(CLASS_NAMES)
    assert [category["id"] for category in categories] == list(range(1, 12))


def test_the_result_counts_frames_and_labelled_boxes(tmp_path):
    truth = simulate(tmp_path / "out", frames=2, seed=4)

    content = read_truth(truth)
    assert truth.path == tmp_path / "out" / "truth.coco.json"
    assert truth.frames == len(content["images"]) == 2
    assert truth.boxes == len(content["annotations"]) >= 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame-0000.png",
        "frame-0001.png",
        "truth.coco.json",
    ]


@pytest.mark.parametrize("recording", [False, True])
def test_progress_is_reported_after_each_frame(tmp_path, recording):
    calls = []

    simulate(tmp_path, frames=3, recording=recording, progress=lambda done, total: calls.append((done, total)))

    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_dive_shows_the_same_objects_in_several_frames(tmp_path):
    truth = simulate(str(tmp_path), frames=8, seed=3, dive=True)

    content, frames = read_truth(truth), list(open_frames(tmp_path / "survey.aris"))
    seen = [annotation["object_id"] for annotation in content["annotations"]]
    assert len(set(seen)) < len(seen) == truth.boxes
    latitudes = [frame.navigation.latitude for frame in frames]
    assert len(frames) == 8 and latitudes == sorted(set(latitudes))


def test_an_interrupted_recording_leaves_no_files(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, frames=2, recording=True, progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_the_output_folder_must_not_be_a_file(tmp_path):
    (tmp_path / "out").touch()

    with pytest.raises(OutputError, match="out"):
        simulate(tmp_path / "out", frames=1)


def test_at_least_one_frame_is_needed(tmp_path):
    with pytest.raises(ValueError, match="frames must be at least 1. Received: 0"):
        simulate(tmp_path / "out", frames=0)

    assert not (tmp_path / "out").exists()


def test_the_sample_in_the_repository_is_what_its_command_makes(tmp_path):
    sample = Path(__file__).parents[2] / "data" / "sample"
    truth = simulate(tmp_path, 16, seed=13)

    assert (
        json.loads(truth.path.read_text())["annotations"]
        == json.loads((sample / "truth.coco.json").read_text())["annotations"]
    )
    for frame, stored in zip(open_frames(tmp_path), open_frames(sample), strict=True):
        difference = np.abs(frame.as_bytes().astype(int) - stored.as_bytes())
        # Another processor may round single samples otherwise.
        assert difference.max() <= 1 and np.count_nonzero(difference) < 20


def test_a_dive_of_new_shapes_names_them(tmp_path):
    contents = {}
    for share in (0.0, 0.5, 1.0):
        truth = simulate(str(tmp_path / str(share)), frames=40, seed=3, dive=True, new_share=share)
        contents[share] = read_truth(truth)

    names = {
        share: [content["categories"][box["category_id"] - 1]["name"] for box in content["annotations"]]
        for share, content in contents.items()
    }
    assert not {*names[0.0]} & {*NEW_SHAPES}
    assert {*names[0.5]} & {*NEW_SHAPES} and {*names[0.5]} - {*NEW_SHAPES}
    assert {*names[1.0]} <= {*NEW_SHAPES}
    assert "--new-shapes 0.5" in contents[0.5]["info"]["command"]


def test_new_shapes_appear_in_dives_only(tmp_path):
    with pytest.raises(ValueError, match="dives only"):
        simulate(str(tmp_path / "out"), frames=1, new_share=0.5)
    assert not (tmp_path / "out").exists()
