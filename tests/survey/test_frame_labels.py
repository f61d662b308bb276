"""Drawn boxes, complete frames, and how both survive new runs and other models."""

from dataclasses import replace

import pytest

from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore

CAN = DetectionRecord(10.0, 20.0, 30.0, 40.0, "can", 0.9, 0.95)
FAINT = DetectionRecord(60.0, 20.0, 20.0, 20.0, "can", 0.2, 0.3)
DRAWN = DetectionRecord(61.0, 21.0, 20.0, 20.0, "anchor", 1.0, 1.0)


def fill(store, detections=(CAN,), candidates=(FAINT,)):
    """Add a recording of two frames that show the same."""
    source = store.add_sources(["a.aris"])["a.aris"]
    with store.transaction():
        for position in range(2):
            record = FrameRecord(position, 100, 100, detections=list(detections), candidates=list(candidates))
            store.add_frame(source, record)
        store.finish_source(source, None)
    return source


@pytest.fixture
def store(tmp_path):
    with SurveyStore(tmp_path / "night") as opened:
        yield opened


@pytest.fixture(autouse=True)
def folders(tmp_path):
    for name in ("night", "night-2"):
        (tmp_path / name).mkdir()


def boxes(store, position=0):
    return [(box.class_name, box.verdict, box.origin, box.x) for box in store.frame_boxes(1, position)]


def test_a_drawn_box_is_an_accepted_detection_with_the_next_free_rank(store):
    source = fill(store)

    key = store.draw_box(source, 0, DRAWN)

    assert key == DetectionKey(source, 0, 2)  # the candidate has rank 1
    assert boxes(store) == [("can", "undecided", "model", 10.0), ("anchor", "accepted", "person", 61.0)]
    assert boxes(store, 1) == [("can", "undecided", "model", 10.0)]


def test_a_moved_box_replaces_the_earlier_one_and_a_rejected_drawn_box_disappears(store):
    source = fill(store)

    key = store.draw_box(source, 0, replace(CAN, x=15.0), replaced=0)
    assert boxes(store) == [("can", "rejected", "model", 10.0), ("can", "accepted", "person", 15.0)]

    store.decide(key, "rejected", "can", whole_object=False)
    assert boxes(store) == [("can", "rejected", "model", 10.0)]


def test_a_frame_is_complete_until_the_mark_is_removed(store):
    source = fill(store, detections=())
    assert not store.is_complete(source, 0) and store.reviewed_frames() == []

    store.complete_frame(source, 0)
    assert store.is_complete(source, 0) and not store.is_complete(source, 1)
    assert store.reviewed_frames() == [("a.aris", 0)]
    assert [frame.position for frame in store.unreviewed_frames()] == [1]

    store.complete_frame(source, 0, False)
    assert store.reviewed_frames() == []


def adopt(tmp_path, store, **records):
    with SurveyStore(tmp_path / "night-2") as second:
        assert second.adopt_decisions(store) == len(store.last_decisions())
        fill(second, **records)
        return boxes(second), second.count_adopted(), second.is_complete(1, 0)


def test_a_drawn_box_is_adopted_by_what_another_model_finds_there(tmp_path, store):
    source = fill(store)
    store.draw_box(source, 0, DRAWN)
    store.complete_frame(source, 0)

    found = replace(DRAWN, x=60.0, class_name="can", score=0.8)
    adopted, waiting, is_complete = adopt(tmp_path, store, detections=(CAN, found), candidates=())

    assert adopted == [("can", "undecided", "model", 10.0), ("anchor", "accepted", "model", 60.0)]
    assert waiting == 0 and is_complete


def test_a_drawn_box_is_drawn_again_where_another_model_finds_nothing(tmp_path, store):
    store.draw_box(fill(store), 0, DRAWN)

    adopted, waiting, _ = adopt(tmp_path, store, candidates=())

    assert adopted == [("can", "undecided", "model", 10.0), ("anchor", "accepted", "person", 61.0)] and waiting == 0


def test_an_accepted_detection_that_is_a_candidate_of_another_model_becomes_a_detection(tmp_path, store):
    source = fill(store)
    store.decide(DetectionKey(source, 0, 0), "accepted", "tire")

    adopted, waiting, _ = adopt(tmp_path, store, detections=(), candidates=(replace(CAN, score=0.15),))

    assert adopted == [("tire", "accepted", "evidence", 10.0)] and waiting == 0


def test_a_drawn_box_returns_when_its_file_is_processed_again(store):
    store.draw_box(fill(store), 0, DRAWN)
    before = boxes(store)

    with store.transaction():
        store.remove_frames(store.sources()[0])
    assert store.count_set_aside(["a.aris"]) == 1
    fill(store)

    assert boxes(store) == before and store.count_set_aside(["a.aris"]) == 0


def test_drawn_boxes_are_sightings_of_the_object_that_they_continue(tmp_path):
    with SurveyStore(tmp_path / "night") as store:
        source = store.add_sources(["a.aris"])["a.aris"]
        with store.transaction():
            for position in range(8):
                detections = [] if position == 4 else [CAN]
                store.add_frame(source, FrameRecord(position, 100, 100, detections=detections))
            store.finish_source(source, None)
        store.draw_box(source, 4, replace(CAN, x=11.0, score=1.0))

        assert find_objects(store) == 1 and store.objects()[0].frames == 8
