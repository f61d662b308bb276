from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sonar_debris.frames.geometry import Navigation
from sonar_debris.survey.objects import find_objects, join_echo_and_shadow
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore


def detection(x, class_name="can", score=1.0, position=(None, None)):
    latitude, longitude = position
    return DetectionRecord(x, 50.0, 20.0, 20.0, class_name, score, score, latitude=latitude, longitude=longitude)


def frame(position, *detections, time=None):
    return FrameRecord(position, 100, 100, time, detections=list(detections))


@pytest.fixture
def store(tmp_path):
    with SurveyStore(tmp_path) as opened:
        yield opened


def fill(store, name, frames):
    source = store.add_sources([name])[name]
    with store.transaction():
        for record in frames:
            store.add_frame(source, record)
        store.finish_source(source, None)


def classes_and_frames(store):
    return [(record.class_name, record.frames) for record in store.objects()]


def test_an_object_is_counted_once_and_its_class_is_the_weighted_vote(store):
    class_names = ["can", "tire", "tire", "unknown", "can", "tire", "can", "tire"]
    scores = [0.3, 0.9, 0.8, 0.85, 0.3, 0.9, 0.3, 0.9]
    frames = [
        frame(k, detection(10 + k, class_name, score), time=float(k))
        for k, (class_name, score) in enumerate(zip(class_names, scores, strict=True))
    ]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 1

    (record,) = store.objects()
    assert (record.class_name, record.frames, record.score) == ("tire", 8, 0.9)
    assert (record.file, record.position, record.rank) == ("a.aris", 1, 0)
    assert (record.first_time, record.last_time) == (0.0, 7.0)
    assert record.agreement == pytest.approx(3.5 / sum(scores))
    assert len(store.object_detections()) == 8


@pytest.mark.parametrize(
    ("frames", "score", "count"), [(4, 1.0, 0), (5, 1.0, 1), (9, 0.5, 0), (10, 0.5, 1), (40, 0.1, 0)]
)
def test_a_track_whose_scores_sum_to_less_than_five_is_clutter(store, frames, score, count):
    fill(store, "a.aris", [frame(k, *([detection(10, score=score)] if k < frames else [])) for k in range(45)])

    assert find_objects(store) == count


def test_two_detections_of_an_object_in_a_frame_count_as_one_frame(store):
    fill(store, "a.aris", [frame(k, detection(10), detection(21, score=0.9)) for k in range(4)])

    assert find_objects(store) == 0


def test_timed_images_of_a_folder_are_a_sequence_and_images_without_time_are_not(store):
    for number in range(5):
        fill(store, f"still/{number}.png", [frame(0, detection(10))])
        fill(store, f"dive/{number}.png", [frame(0, detection(10), time=float(number))])

    assert find_objects(store) == 6
    assert sorted(record.frames for record in store.objects()) == [1, 1, 1, 1, 1, 5]


def test_two_recordings_have_no_object_in_common(store):
    for name in ("a.aris", "b.aris"):
        fill(store, name, [frame(k, detection(10)) for k in range(5)])

    assert find_objects(store) == 2


def test_a_resumed_survey_finds_its_objects_again(store):
    fill(store, "a.aris", [frame(k, detection(10)) for k in range(5)])
    find_objects(store)
    fill(store, "b.aris", [frame(k, detection(10), detection(60)) for k in range(5)])

    assert find_objects(store) == 3
    assert len(store.objects()) == 3


def test_the_position_of_an_object_does_not_depend_on_the_sonar_passing_it(store):
    sonar = [Navigation(heading=0.0, latitude=48.5 + k * 1e-6, longitude=-4.5) for k in range(10)]
    positions = [
        navigation.to_position(np.array([5.0 - 0.111 * k, 0.0])).tolist() for k, navigation in enumerate(sonar)
    ]
    frames = [frame(k, detection(10 + 25 * (k % 2), position=position)) for k, position in enumerate(positions)]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 1
    (record,) = store.objects()
    assert (record.latitude, record.longitude) == pytest.approx((48.5 + 5 / 111_200, -4.5), abs=2e-7)
    assert record.position_scatter_m < 0.02


def test_a_survey_without_detections_has_no_objects(store):
    fill(store, "a.aris", [frame(0)])

    assert find_objects(store) == 0


def test_two_boxes_around_one_object_are_one_object(store):
    duplicate = DetectionRecord(12.0, 52.0, 22.0, 20.0, "tire", 0.6, 0.6)
    fill(store, "a.aris", [frame(k, detection(10), duplicate) for k in range(6)])

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 6)]


def test_an_echo_is_part_of_its_shadow_unless_a_person_accepts_it(store):
    echo = DetectionRecord(14.0, 71.0, 10.0, 10.0, "tire", 1.0, 1.0)
    fill(store, "a.aris", [frame(k, detection(10), *([echo] if k % 3 == 0 else [])) for k in range(30)])

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 30)]
    assert len(store.object_detections()) == 40

    store.decide(DetectionKey(1, 3, 1), "accepted", "tire")

    assert find_objects(store) == 2
    assert classes_and_frames(store) == [("can", 30), ("tire", 10)]


def test_an_object_seen_again_later_is_the_same_if_its_position_is_known(store):
    first, second = (48.5, -4.5), (48.5, -4.49999)  # 0.7 m apart
    seen_again = [frame(k, *([detection(10, position=first)] if not 10 <= k < 60 else [])) for k in range(70)]
    fill(store, "a.aris", seen_again)
    fill(
        store,
        "b.aris",
        [frame(k, detection(10, position=first), detection(50, position=second)) for k in range(5)],
    )

    assert find_objects(store) == 3
    assert [record.frames for record in store.objects()] == [20, 5, 5]


SHADOW, ECHO, FAR = (100.0, 100.0, 20.0, 80.0), (104.0, 182.0, 12.0, 12.0), (160.0, 100.0, 12.0, 12.0)


def tracked_boxes(**tracks):
    """Return a row for each frame that shows a track: ``a=(box, frames)`` for the tracks 0, 1, … in order."""
    rows = [
        {"track": track, "index": index, **dict(zip("xywh", box, strict=True))}
        for track, (box, frames) in enumerate(tracks.values())
        for index in frames
    ]
    return pd.DataFrame(rows, columns=["track", "index", *"xywh"])


def joined(**tracks):
    """Return the track to which each track is joined."""
    detections = tracked_boxes(**tracks)
    return detections.assign(joined=join_echo_and_shadow(detections)).groupby("track")["joined"].first().tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_an_echo_that_flickers_at_the_foot_of_a_shadow_is_part_of_it(order):
    parts = [("shadow", (SHADOW, range(40))), ("echo", (ECHO, range(0, 40, 4)))]

    assert len(set(joined(**dict(parts[::order])))) == 1
    assert joined(**dict(parts)) == [0, 0]


@pytest.mark.parametrize(
    ("box", "frames"),
    [
        (FAR, range(0, 40, 4)),  # does not touch it
        (ECHO, range(0, 40, 2)),  # in half of its frames
        (ECHO, range(38, 50)),  # mostly in other frames
    ],
)
def test_a_steady_or_separate_track_is_an_object_of_its_own(box, frames):
    assert joined(shadow=(SHADOW, range(40)), other=(box, frames)) == [0, 1]


def test_a_track_that_rarely_touches_another_is_an_object_of_its_own():
    detections = tracked_boxes(shadow=(SHADOW, range(40)), other=(ECHO, range(10)))
    detections.loc[(detections["track"] == 1) & (detections["index"] >= 7), "x"] = 300.0

    assert join_echo_and_shadow(detections).nunique() == 2


def test_a_part_between_two_tracks_belongs_to_the_one_with_more_shared_frames():
    below = (104.0, 196.0, 20.0, 80.0)

    tracks = joined(above=(SHADOW, range(40)), echo=(ECHO, range(10, 20)), below=(below, range(14, 60)))

    assert tracks == [0, 0, 2]


def test_a_part_of_a_part_belongs_to_the_whole():
    glint = (106.0, 195.0, 8.0, 8.0)

    assert joined(shadow=(SHADOW, range(40)), echo=(ECHO, range(15)), glint=(glint, range(5))) == [0, 0, 0]


def test_no_tracks_are_joined_without_detections():
    assert join_echo_and_shadow(tracked_boxes()).tolist() == []


def still(start, count, first_time, interval=0.1, **box):
    """Return frames that show one object that does not move."""
    return [
        frame(start + k, detection(10, **box), time=None if first_time is None else first_time + interval * k)
        for k in range(count)
    ]


@pytest.mark.parametrize("names", [("dive_000.aris", "dive_001.aris"), ("dive.aris", "dive-1.aris")])
def test_the_files_of_a_split_recording_are_one_sequence(store, names):
    fill(store, f"in/{names[0]}", still(0, 8, 1e9))
    fill(store, f"in/{names[1]}", still(0, 8, 1e9 + 0.8))

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 16)]


def test_a_file_without_detections_lies_between_the_parts_of_a_split_recording(store):
    parts = [still(0, 8, 1e9), [frame(k, time=1e9 + 0.8 + k / 10) for k in range(8)], still(0, 8, 1e9 + 1.6)]
    for number, frames in zip((9, 10, 11), parts, strict=True):
        fill(store, f"2024-05-01_1200{number:02d}.aris", frames)

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 16)]


def test_only_selected_frames_of_a_split_recording_are_one_sequence(store):
    fill(store, "dive_1.aris", [frame(k, detection(10), time=1e9 + k) for k in range(0, 40, 5)])
    fill(store, "dive_2.aris", [frame(k, detection(10), time=1e9 + 40 + k) for k in range(0, 40, 5)])

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 16)]


@pytest.mark.parametrize(
    ("name", "start", "size"),
    [
        ("in/dive_001.aris", 1e9 + 60, 100),  # a minute later
        ("in/dive_001.aris", 1e9 + 0.4, 100),  # at the same time: another sonar
        ("in/dive_001.aris", None, 100),
        ("in/dive_001.aris", 1e9 + 0.8, 90),  # other settings
        ("in/dive_001.npy", 1e9 + 0.8, 100),
        ("in/port_001.aris", 1e9 + 0.8, 100),
        ("other/dive_001.aris", 1e9 + 0.8, 100),
    ],
)
def test_recordings_that_do_not_continue_each_other_are_sequences_of_their_own(store, name, start, size):
    fill(store, "in/dive_000.aris", still(0, 8, 1e9))
    fill(store, name, [replace(record, rows=size) for record in still(0, 8, start)])

    assert find_objects(store) == 2


def test_timed_images_are_a_sequence_in_the_order_of_their_times(store):
    for number in (*range(0, 40, 2), *range(1, 40, 2)):  # as in a survey that was begun before all were copied
        fill(store, f"dive/{number}.png", [frame(0, detection(10 + number), time=float(number))])

    assert find_objects(store) == 1
    assert classes_and_frames(store) == [("can", 40)]


@pytest.mark.parametrize(
    ("longitudes", "mean"),
    [
        ([179.9999995, -179.9999997], 179.9999999),
        ([-179.9999991, 179.9999995], -179.9999998),
        ([179.9999995, 179.9999997], 179.9999996),
        ([-4.5000001, -4.4999999], -4.5),
    ],
)
def test_longitudes_on_both_sides_of_180_degrees_are_averaged(store, longitudes, mean):
    frames = [frame(k, detection(10, position=(-17.0, longitudes[k % 2]))) for k in range(10)]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 1
    (record,) = store.objects()
    assert record.longitude == pytest.approx(mean, abs=2e-8) and record.latitude == -17.0
    assert record.position_scatter_m < 0.1


@pytest.mark.parametrize("position", [(91.0, -4.5), (48.5, 180.5), (-1e30, 0.0), (None, None)])
def test_impossible_positions_are_unknown(store, position):
    fill(store, "a.aris", [frame(k, detection(10, position=position)) for k in range(10)])

    assert find_objects(store) == 1
    (record,) = store.objects()
    assert (record.latitude, record.longitude, record.position_scatter_m) == (None, None, None)


@pytest.fixture
def bottle_and_tire(store):
    """A bottle with a second box around a part of it, and a tire, in 8 frames each."""
    bottle, part, tire = detection(10, "bottle", 0.9), replace(detection(12, "can", 0.5), w=10.0), detection(70, "tire")
    fill(store, "a.aris", [frame(k, tire, bottle, part) for k in range(8)])
    assert find_objects(store) == 2
    return store


def verdicts(store):
    """Return how many detections of each class have each verdict."""
    return dict(
        Counter((row.class_name, row.verdict) for row in store.reviewed_detections() if row.verdict != "undecided")
    )


def test_a_rejected_object_and_its_duplicates_are_gone(bottle_and_tire):
    changed = bottle_and_tire.decide(DetectionKey(1, 3, 1), "rejected", "bottle", whole_object=True)

    find_objects(bottle_and_tire)
    assert len(changed) == 16
    assert classes_and_frames(bottle_and_tire) == [("tire", 8)]
    assert {row.class_name for row in bottle_and_tire.class_totals()} == {"tire"}
    assert set(bottle_and_tire.detections_table()["class"]) == {"tire"}


def test_a_new_class_of_an_object_is_that_of_all_its_sightings(bottle_and_tire):
    bottle_and_tire.decide(DetectionKey(1, 3, 1), "accepted", "shampoo", whole_object=True)

    find_objects(bottle_and_tire)
    assert ("shampoo", 8) in classes_and_frames(bottle_and_tire)
    assert verdicts(bottle_and_tire) == {("shampoo", "accepted"): 8, ("shampoo", "rejected"): 8}


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
@pytest.mark.parametrize("whole_object", [False, True])
def test_withdrawing_a_decision_restores_the_object(bottle_and_tire, verdict, whole_object):
    before = bottle_and_tire.detections_table()
    bottle_and_tire.decide(DetectionKey(1, 3, 1), verdict, "hook", whole_object=True)
    find_objects(bottle_and_tire)

    bottle_and_tire.decide(DetectionKey(1, 5, 1), "undecided", "hook", whole_object=whole_object)

    find_objects(bottle_and_tire)
    pd.testing.assert_frame_equal(bottle_and_tire.detections_table(), before)


def test_a_decision_on_one_detection_leaves_the_others(bottle_and_tire):
    bottle_and_tire.decide(DetectionKey(1, 3, 0), "rejected", "tire")

    find_objects(bottle_and_tire)
    assert ("tire", 7) in classes_and_frames(bottle_and_tire)


@pytest.mark.parametrize(("verdict", "expected"), [("rejected", []), ("accepted", [("hook", 12)])])
def test_a_decision_on_an_object_holds_for_frames_that_are_added_later(store, verdict, expected):
    fill(store, "a.aris", [frame(k, detection(10)) for k in range(6)])
    find_objects(store)
    store.decide(DetectionKey(1, 0, 0), verdict, "hook", whole_object=True)
    with store.transaction():
        for position in range(6, 12):
            store.add_frame(1, frame(position, detection(10)))

    find_objects(store)
    assert classes_and_frames(store) == expected
    find_objects(store)  # the extended decisions are stored, so nothing changes
    assert classes_and_frames(store) == expected and store.tracking_state() == store.current_state()


def test_an_object_whose_sightings_were_removed_and_made_again_stays_rejected(bottle_and_tire):
    store = bottle_and_tire
    store.decide(DetectionKey(1, 3, 1), "rejected", "bottle", whole_object=True)
    frames = [frame(k, detection(70, "tire"), detection(10, "bottle", 0.9)) for k in range(8)]
    with store.transaction():
        store.remove_frames(store.sources()[0])
        for record in frames:
            store.add_frame(1, record)

    find_objects(store)
    assert classes_and_frames(store) == [("tire", 8)]


@pytest.fixture
def echo_and_shadow(store):
    """A can in 30 frames, whose echo is a box of its own in every third frame."""
    echo = DetectionRecord(14.0, 71.0, 10.0, 10.0, "tire", 1.0, 1.0)
    fill(store, "a.aris", [frame(k, detection(10), *([echo] if k % 3 == 0 else [])) for k in range(30)])
    assert find_objects(store) == 1
    return store


@pytest.mark.parametrize(("verdict", "expected"), [("accepted", [("hook", 30)]), ("rejected", [])])
def test_an_object_of_two_tracks_remains_one_when_it_is_decided_on(echo_and_shadow, verdict, expected):
    assert len(echo_and_shadow.decide(DetectionKey(1, 3, 1), verdict, "hook", whole_object=True)) == 40

    find_objects(echo_and_shadow)
    assert classes_and_frames(echo_and_shadow) == expected


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_duplicates_that_later_frames_add_are_rejected_with_their_object(bottle_and_tire, verdict):
    store = bottle_and_tire
    store.decide(DetectionKey(1, 3, 1), verdict, "bottle", whole_object=True)
    part = replace(detection(12, "can", 0.5), w=10.0)
    with store.transaction():
        store.add_frame(1, frame(8, detection(70, "tire"), detection(10, "bottle", 0.9), part))

    find_objects(store)
    assert verdicts(store) == Counter({("bottle", verdict): 9}) + Counter({("bottle", "rejected"): 9})
    assert "can" not in set(store.detections_table()["class"])
    store.decide(DetectionKey(1, 8, 2), "undecided", "can")
    assert verdicts(store) == {}


def test_a_box_that_a_person_accepted_is_not_suppressed_by_a_better_one_of_a_rejected_object(bottle_and_tire):
    bottle_and_tire.decide(DetectionKey(1, 3, 1), "rejected", "bottle", whole_object=True)
    bottle_and_tire.decide(DetectionKey(1, 3, 2), "accepted", "can", whole_object=False)

    find_objects(bottle_and_tire)
    assert sorted(classes_and_frames(bottle_and_tire)) == [("can", 1), ("tire", 8)]


@pytest.mark.parametrize(
    ("verdict", "class_name", "count"), [("rejected", "can", 16), ("accepted", "hook", 16), ("accepted", "bottle", 1)]
)
def test_a_decision_on_the_detection_that_names_an_object_is_on_the_object(bottle_and_tire, verdict, class_name, count):
    record = next(item for item in bottle_and_tire.objects() if item.class_name == "bottle")
    key = (record.source, record.position, record.rank)

    assert len(bottle_and_tire.decide(key, verdict, class_name)) == count
    find_objects(bottle_and_tire)
    bottle_and_tire.decide(key, "undecided", class_name)
    assert verdicts(bottle_and_tire) == {}


def candidate(x, score=0.3, class_name="can"):
    return replace(detection(x, class_name, score), objectness=0.6)


def test_an_object_of_which_no_frame_is_sure_counts_by_its_summed_scores(store):
    frames = [
        FrameRecord(k, 100, 100, float(k), detections=[detection(10)], candidates=[candidate(80)]) for k in range(40)
    ]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 2

    assert classes_and_frames(store) == [("can", 40), ("unknown", 40)]
    table = store.detections_table()
    assert list(table["class"]) == ["can", "unknown"] * 40 and table["object"].notna().all()
    store.decide(DetectionKey(1, 0, 1), "accepted", "net")
    find_objects(store)
    assert classes_and_frames(store) == [("can", 40), ("net", 40)]


def test_too_little_evidence_is_no_object_and_leaves_no_detections(store):
    frames = [FrameRecord(k, 100, 100, candidates=[candidate(80)] if k < 33 else []) for k in range(40)]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 0 and store.counts().detections == 0


def test_low_scores_on_an_object_or_next_to_it_are_no_further_object(store):
    frames = [
        FrameRecord(
            k,
            100,
            100,
            # The object is not reported in the last frames; its shadow is a candidate in few frames.
            detections=[detection(10)] if k < 40 else [],
            candidates=([candidate(12, 0.35)] if k >= 10 else []) + ([candidate(30, 0.9)] if k < 15 else []),
        )
        for k in range(60)
    ]
    fill(store, "a.aris", frames)

    assert find_objects(store) == 1


def test_evidence_of_an_object_that_was_rejected_is_not_found_again(store):
    fill(store, "a.aris", [FrameRecord(k, 100, 100, candidates=[candidate(80)]) for k in range(40)])
    find_objects(store)

    store.decide(DetectionKey(1, 3, 0), "rejected", "unknown", whole_object=True)
    assert find_objects(store) == 0

    with store.transaction():
        for k in range(40, 80):
            store.add_frame(1, FrameRecord(k, 100, 100, candidates=[candidate(80)]))
    assert find_objects(store) == 0


def test_an_object_whose_class_changes_from_frame_to_frame_is_unknown_until_it_is_named(store):
    names = ["can", "tire", "hook"]
    fill(store, "a.aris", [frame(k, detection(10, names[k % 3], 0.9)) for k in range(12)])
    find_objects(store)

    (record,) = store.objects()
    assert (record.class_name, record.score) == ("unknown", 0.9)
    assert {box.class_name for box in store.frame_boxes(1, 0)} == {"unknown"}
    assert [(total.class_name, total.objects) for total in store.class_totals()] == [("unknown", 1)]
    # Objects that are found again are named by the detector's classes.
    store.decide(DetectionKey(1, 0, 0), "undecided", "unknown")
    find_objects(store)
    assert store.objects()[0].class_name == "unknown"
