import json

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.count_evaluation import compare
from sonar_debris.survey.store import FrameRecord, SurveyStore

BOX = (10.0, 20.0, 30.0, 40.0)


def write_truth(path, frames):
    """``frames``: of each frame the objects' numbers and boxes; odd ones are cans."""
    annotations = [
        {"image_id": k, "category_id": 1 + number % 2, "bbox": box, "object_id": number}
        for k, objects in enumerate(frames)
        for number, box in objects
    ]
    images = [{"id": k, "file_name": "dive.aris", "frame_index": k} for k in range(len(frames))]
    categories = [{"id": 1, "name": "tire"}, {"id": 2, "name": "can"}]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    return path


@pytest.fixture
def store(tmp_path):
    with SurveyStore(tmp_path) as store:
        yield store


def fill(store, tracks):
    """``tracks``: of each frame the object of its one detection."""
    ids = store.add_sources(["folder/dive.aris"])
    with store.transaction():
        for k in range(len(tracks)):
            box = (*BOX, "can", 0.9, 0.9, *[None] * 6)
            store.add_frame(ids["folder/dive.aris"], FrameRecord(k, (80, 60, *[None] * 6), [box]))
    objects = [(number, "can", 1.0, 0.9, 1, 1, 0, 0, *[None] * 5) for number in sorted(set(tracks))]
    store.replace_objects((0, 0), objects, [(1, k, 0, number) for k, number in enumerate(tracks)])


def test_counts_and_switches(store, tmp_path):
    away = (100.0, 100.0, 30.0, 40.0)
    truth = write_truth(tmp_path / "t.json", [[(1, BOX), (2, away)], *[[(1, BOX)]] * 4, [(1, away)]])
    fill(store, [1, 1, 2, 1, 1, 1])

    counts = compare(store, truth)

    assert counts.true == {"can": 1}  # the tire was in sight once
    assert counts.found == {"can": 2}
    assert (counts.switches, counts.seen, counts.boxes) == (2, 5, 7)


def test_labels_without_numbers_of_objects(store, tmp_path):
    truth = {"images": [{"id": 1, "file_name": "a"}], "categories": [], "annotations": [{"image_id": 1, "bbox": BOX}]}
    (tmp_path / "t.json").write_text(json.dumps(truth))

    with pytest.raises(SonarDebrisError, match="no truth with object_id"):
        compare(store, tmp_path / "t.json")
