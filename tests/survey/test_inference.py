import threading

import numpy as np
import pytest

from sonar_debris.frames.conditions import SonarConditions, UnseenConditionsWarning
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.survey.inference import ShardResult, frame_record, warn_of_conditions
from tests.fakes import BrightSpots, echoes

FAN = FanGeometry.of_window(60, 1.0, 5.0, 30.0)


def record(latitude, longitude):
    image = (echoes(1) / 255).astype(np.float32)
    frame = Frame(image, "a.aris", "a.aris", geometry=FAN, navigation=Navigation(30.0, latitude, longitude, 2.0))
    return frame_record(frame, BrightSpots().detect_batch([frame])[0])


def test_detections_have_range_and_position():
    stored = record(48.5, -180.0)

    assert (stored.heading, stored.latitude, stored.longitude, stored.depth) == (30.0, 48.5, -180.0, 2.0)
    assert stored.detections[0].latitude == pytest.approx(48.5, abs=1e-4)
    assert abs(stored.detections[0].longitude) == pytest.approx(180, abs=1e-4)


def test_detections_of_a_frame_without_navigation_have_a_range_only():
    image = (echoes(1) / 255).astype(np.float32)
    frame = Frame(image, "a.aris", "a.aris", geometry=FAN)

    stored = frame_record(frame, BrightSpots().detect_batch([frame])[0])

    assert (stored.heading, stored.latitude, stored.longitude, stored.depth) == (None, None, None, None)
    assert all(detection.latitude is None and detection.range_m is not None for detection in stored.detections)


def test_sonars_that_the_model_has_not_seen_are_warned_of_once():
    results = [ShardResult(1, name="a.aris", conditions=SonarConditions(("ARIS 1200",))), ShardResult(1)]
    inference = warn_of_conditions(lambda jobs, stop: iter([results, results]), SonarConditions(("ARIS 3000",)))

    with pytest.warns(UnseenConditionsWarning, match="^a.aris: ARIS 1200") as caught:
        assert list(inference([], threading.Event())) == [results, results]
    assert len(caught) == 1
