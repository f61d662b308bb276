import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.store import FrameRecord, SurveyStore
from sonar_debris.survey.tracking import track

FAN = FanGeometry.of_window(600, 0.0, 10.0, 60.0)


def seen(frames, moved, present=lambda index, number: True, unit="px"):
    """Detections of three objects that all move by ``moved`` a frame; the number of each one's object."""
    rows, truth = [], []
    for index in range(frames):
        for number, (x, y) in enumerate([(100.0, 100.0), (200.0, 110.0), (150.0, 300.0)]):
            if present(index, number):
                box = {"x": x + moved[0] * index, "y": y + moved[1] * index, "w": 20.0, "h": 30.0}
                polar = FAN.to_polar([box["x"] + 10, box["y"] + 15]) if unit == "m" else (np.nan, np.nan)
                rows.append({"index": index, **box, "range_m": polar[0], "bearing_deg": polar[1]})
                truth.append(number)
    return pd.DataFrame(rows).assign(width_m=0.2, height_m=0.2, latitude=np.nan, longitude=np.nan), np.array(truth)


@pytest.mark.parametrize("unit", ["px", "m"])
def test_moving_objects_keep_their_tracks(unit):
    detections, truth = seen(40, (3, -4), unit=unit)

    assert track(detections).tolist() == truth.tolist()


def test_an_object_missed_for_some_frames_is_the_same_afterwards():
    detections, truth = seen(40, (1, 1), present=lambda index, number: number != 1 or not 10 <= index < 18)

    assert track(detections).tolist() == truth.tolist()


def test_an_object_missed_for_long_is_another():
    detections, truth = seen(60, (1, 1), present=lambda index, number: number != 1 or not 10 <= index < 40)

    assert len(set(track(detections))) == 4


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1))
def test_every_detection_has_one_track_and_a_track_one_detection_a_frame(seed, share):
    rng = np.random.default_rng(seed)
    detections, _ = seen(15, (2, 1), present=lambda index, number: rng.random() < share)
    if len(detections) == 0:
        return

    numbers = track(detections)

    assert len(numbers) == len(detections)
    assert not detections.assign(track=numbers).duplicated(["index", "track"]).any()


def test_nothing_seen():
    assert track(seen(5, (0, 0), present=lambda *_: False)[0]).tolist() == []


def detection(x, name="can", score=1.0, place=(None, None)):
    return (x, 50.0, 20.0, 20.0, name, score, score, None, None, None, None, *place)


def frame(position, *detections, time=None):
    return FrameRecord(position, (100, 100, time, None, None, None, None, None), list(detections))


@pytest.fixture
def store(tmp_path):
    with SurveyStore(tmp_path) as opened:
        yield opened


def fill(store, name, frames):
    source = store.add_sources([name])[name]
    with store.transaction():
        for frame in frames:
            store.add_frame(source, frame)
        store.finish_source(source, None)


def objects(store):
    return store.read("SELECT class, frames, score, position, rank FROM object ORDER BY id")


def test_an_object_is_counted_once_and_named_by_the_weighted_vote(store):
    names = ["can", "tire", "tire", "unknown", "can", "can", "tire"]
    scores = [0.5, 0.9, 0.8, 0.99, 0.5, 0.6, 0.8]
    fill(
        store,
        "a.aris",
        [frame(k, detection(10 + k, n, s), time=float(k)) for k, (n, s) in enumerate(zip(names, scores, strict=True))],
    )

    assert find_objects(store) == 1

    assert objects(store) == [("tire", 7, 0.9, 1, 0)]
    assert store.read("SELECT first_time, last_time FROM object") == [(0.0, 6.0)]
    (agreement,) = store.read("SELECT agreement FROM object")[0]
    assert agreement == pytest.approx(2.5 / sum(scores))
    assert len(store.read("SELECT * FROM sighting")) == 7


@pytest.mark.parametrize(
    ("frames", "score", "count"), [(4, 1.0, 0), (5, 1.0, 1), (9, 0.5, 0), (10, 0.5, 1), (40, 0.1, 0)]
)
def test_what_is_expected_in_fewer_than_five_frames_of_a_recording_is_clutter(store, frames, score, count):
    fill(store, "a.aris", [frame(k, *([detection(10, score=score)] if k < frames else [])) for k in range(45)])

    assert find_objects(store) == count


def test_two_detections_of_an_object_in_a_frame_are_one_sighting(store):
    fill(store, "a.aris", [frame(k, detection(10), detection(21, score=0.9)) for k in range(4)])

    assert find_objects(store) == 0


def test_images_without_time_are_looked_at_one_by_one_and_those_with_time_are_a_sequence(store):
    for number in range(5):
        fill(store, f"still/{number}.png", [frame(0, detection(10))])
        fill(store, f"dive/{number}.png", [frame(0, detection(10), time=float(number))])

    assert find_objects(store) == 6
    assert sorted(row[1] for row in objects(store)) == [1, 1, 1, 1, 1, 5]


def test_two_recordings_have_no_object_in_common(store):
    for name in ("a.aris", "b.aris"):
        fill(store, name, [frame(k, detection(10)) for k in range(5)])

    assert find_objects(store) == 2


def test_a_survey_that_goes_on_counts_anew(store):
    fill(store, "a.aris", [frame(k, detection(10)) for k in range(5)])
    find_objects(store)
    fill(store, "b.aris", [frame(k, detection(10), detection(60)) for k in range(5)])

    assert find_objects(store) == 3
    assert store.read("SELECT COUNT(*) FROM object") == [(3,)]


def test_a_sonar_that_passes_an_object_places_it_where_it_lies(store):
    sonar = [Navigation(heading=0.0, latitude=48.5 + k * 1e-6, longitude=-4.5) for k in range(10)]
    places = [each.to_position(np.array([5.0 - 0.111 * k, 0.0])).tolist() for k, each in enumerate(sonar)]
    fill(store, "a.aris", [frame(k, detection(10 + 25 * (k % 2), place=place)) for k, place in enumerate(places)])

    assert find_objects(store) == 1
    ((latitude, longitude, spread),) = store.read("SELECT latitude, longitude, spread_m FROM object")
    assert (latitude, longitude) == pytest.approx((48.5 + 5 / 111_200, -4.5), abs=2e-7)
    assert spread < 0.02


def test_nothing_was_found(store):
    fill(store, "a.aris", [frame(0)])

    assert find_objects(store) == 0


def test_two_boxes_around_one_object_are_one_object(store):
    double = (12.0, 52.0, 22.0, 20.0, "tire", 0.6, 0.6, *[None] * 6)
    fill(store, "a.aris", [frame(k, detection(10), double) for k in range(6)])

    assert find_objects(store) == 1
    assert objects(store)[0][:2] == ("can", 6)


def test_an_echo_beside_its_shadow_is_no_second_object_unless_a_person_says_so(store):
    foot = (14.0, 71.0, 10.0, 10.0, "tire", 1.0, 1.0, *[None] * 6)
    fill(store, "a.aris", [frame(k, detection(10), *([foot] if k % 3 == 0 else [])) for k in range(30)])

    assert find_objects(store) == 1
    assert objects(store)[0][:2] == ("can", 30)
    assert len(store.read("SELECT * FROM sighting")) == 40

    store.decide((1, 3, 1), "accepted", "tire")

    assert find_objects(store) == 2
    assert [row[:2] for row in objects(store)] == [("can", 30), ("tire", 10)]


def test_an_object_seen_again_after_a_while_is_the_same_where_its_place_is_known(store):
    here, there = (48.5, -4.5), (48.5, -4.49999)  # 0.7 m apart
    seen_again = [frame(k, *([detection(10, place=here)] if not 10 <= k < 60 else [])) for k in range(70)]
    fill(store, "a.aris", seen_again)
    fill(store, "b.aris", [frame(k, detection(10, place=here), detection(50, place=there)) for k in range(5)])

    assert find_objects(store) == 3
    assert [row[1] for row in objects(store)] == [20, 5, 5]


@pytest.mark.parametrize(("apart", "objects"), [(8.0, 1), (40.0, 2)])
def test_what_lies_within_the_reach_of_another_is_a_part_of_it(apart, objects):
    rows = [
        {"index": index, "x": 100.0 + at, "y": 100.0, "w": 20.0, "h": 20.0}
        for index in range(10)
        for at in (0.0, apart)
    ]
    detections = pd.DataFrame(rows).assign(
        range_m=np.nan, bearing_deg=np.nan, width_m=np.nan, height_m=np.nan, latitude=np.nan, longitude=np.nan
    )

    assert len(set(track(detections))) == objects
