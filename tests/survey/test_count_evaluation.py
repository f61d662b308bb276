import json

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.count_evaluation import evaluate_counts
from sonar_debris.survey.records import DetectionRecord, FrameRecord, ObjectRecord, Sighting
from sonar_debris.survey.store import SurveyStore

BOX = (10.0, 20.0, 30.0, 40.0)
OTHER_BOX = (100.0, 100.0, 30.0, 40.0)


def write_truth(path, frames):
    """Write the true objects of each frame, given as (object id, box); those with an odd id are cans, others tires."""
    annotations = [
        {"image_id": k, "category_id": 1 + object_id % 2, "bbox": box, "object_id": object_id}
        for k, objects in enumerate(frames)
        for object_id, box in objects
    ]
    images = [{"id": k, "file_name": "dive.aris", "frame_index": k} for k in range(len(frames))]
    categories = [{"id": 1, "name": "tire"}, {"id": 2, "name": "can"}]
    path.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    return path


@pytest.fixture
def truth(tmp_path):
    """A can in six frames, in the last at another place, and a tire in one frame."""
    frames = [[(1, BOX), (2, OTHER_BOX)], *[[(1, BOX)]] * 4, [(1, OTHER_BOX)]]
    return write_truth(tmp_path / "truth.coco.json", frames)


@pytest.fixture
def store(tmp_path):
    with SurveyStore(tmp_path) as store:
        yield store


def fill(store, tracks):
    """Store one detection of a can per frame; ``tracks`` are the objects that they show."""
    ids = store.add_sources(["folder/dive.aris"])
    with store.transaction():
        for k in range(len(tracks)):
            detection = DetectionRecord(*BOX, "can", 0.9, 0.9)
            store.add_frame(ids["folder/dive.aris"], FrameRecord(k, 80, 60, detections=[detection]))
    objects = [ObjectRecord(number, "can", 1.0, 0.9, 1, 1, 0, 0) for number in sorted(set(tracks))]
    sightings = [Sighting(1, k, 0, number) for k, number in enumerate(tracks)]
    store.replace_objects(store.current_state(), objects, sightings)


def test_counts_and_identity_switches(store, truth):
    fill(store, [1, 1, 2, 1, 1, 1])

    result = evaluate_counts(store, truth)

    assert result.true_objects == {"can": 1}  # the tire is visible in one frame only
    assert result.survey_objects == {"can": 2}
    assert (result.identity_switches, result.matched_boxes, result.true_boxes) == (2, 5, 7)


def test_the_command_prints_the_comparison(store, truth, tmp_path):
    fill(store, [1, 1, 2, 1, 1, 1])

    result = CliRunner().invoke(main, ["survey", "compare", str(tmp_path), str(truth)])

    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "│" in line]
    assert rows == [["can", "1", "2", "+100%"], ["all", "1", "2", "+100%"]]
    assert "5 of 7 true boxes belong to an object; 2 identity switches" in result.stdout


def test_labels_without_object_ids_are_refused(store, tmp_path):
    truth = {"images": [{"id": 1, "file_name": "a"}], "categories": [], "annotations": [{"image_id": 1, "bbox": BOX}]}
    (tmp_path / "t.json").write_text(json.dumps(truth))

    with pytest.raises(SonarDebrisError, match="no ground truth with object_id"):
        evaluate_counts(store, tmp_path / "t.json")
