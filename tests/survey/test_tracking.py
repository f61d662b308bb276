import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.survey.tracking import track

FAN = FanGeometry.of_window(600, 0.0, 10.0, 60.0)


def moving_objects(frames, step, is_visible=lambda index, number: True, unit="px"):
    """Return detections of three objects that all move by ``step`` per frame, and the number of each one's object."""
    rows, numbers = [], []
    for index in range(frames):
        for number, (x, y) in enumerate([(100.0, 100.0), (200.0, 110.0), (150.0, 300.0)]):
            if is_visible(index, number):
                box = {"x": x + step[0] * index, "y": y + step[1] * index, "w": 20.0, "h": 30.0}
                polar = FAN.to_polar([box["x"] + 10, box["y"] + 15]) if unit == "m" else (np.nan, np.nan)
                rows.append({"index": index, **box, "range_m": polar[0], "bearing_deg": polar[1]})
                numbers.append(number)
    detections = pd.DataFrame(rows).assign(width_m=0.2, range_extent_m=0.2, latitude=np.nan, longitude=np.nan)
    return detections, np.array(numbers)


@pytest.mark.parametrize("unit", ["px", "m"])
def test_moving_objects_keep_their_tracks(unit):
    detections, numbers = moving_objects(40, (3, -4), unit=unit)

    assert track(detections).tolist() == numbers.tolist()


def test_an_object_missed_in_a_few_frames_keeps_its_track():
    detections, numbers = moving_objects(40, (1, 1), lambda index, number: number != 1 or not 10 <= index < 18)

    assert track(detections).tolist() == numbers.tolist()


def test_an_object_missed_in_many_frames_gets_another_track():
    detections, _ = moving_objects(60, (1, 1), lambda index, number: number != 1 or not 10 <= index < 40)

    assert len(set(track(detections))) == 4


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1))
def test_every_detection_has_one_track_and_a_track_one_detection_per_frame(seed, share):
    rng = np.random.default_rng(seed)
    detections, _ = moving_objects(15, (2, 1), lambda index, number: rng.random() < share)
    if len(detections) == 0:
        return

    tracks = track(detections)

    assert len(tracks) == len(detections)
    assert not detections.assign(track=tracks).duplicated(["index", "track"]).any()


def test_no_detections_have_no_tracks():
    assert track(moving_objects(5, (0, 0), lambda *_: False)[0]).tolist() == []


@pytest.mark.parametrize(("distance", "objects"), [(8.0, 1), (40.0, 2)])
def test_a_box_within_the_reach_of_another_is_part_of_the_same_object(distance, objects):
    rows = [
        {"index": index, "x": 100.0 + shift, "y": 100.0, "w": 20.0, "h": 20.0}
        for index in range(10)
        for shift in (0.0, distance)
    ]
    detections = pd.DataFrame(rows).assign(
        range_m=np.nan, bearing_deg=np.nan, width_m=np.nan, range_extent_m=np.nan, latitude=np.nan, longitude=np.nan
    )

    assert len(set(track(detections))) == objects
