import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.frames import Frame
from sonar_debris.frames.conditions import ConditionsCheck, SonarConditions, UnseenConditionsWarning
from sonar_debris.frames.geometry import FanGeometry

TANK = SonarConditions(("ARIS 3000",), (3.0, 3.0), (1.0, 3.0))


def frame(sonar=None, frequency=None, ranges=None):
    fan = FanGeometry.of_window(4, *ranges, 30) if ranges else None
    return Frame(np.zeros((4, 5), np.float32), Path("a"), "a", geometry=fan, sonar=sonar, frequency=frequency)


def test_conditions_of_a_frame_are_what_its_file_records():
    assert SonarConditions.of_frame(frame("ARIS 3000", 3.0, (1, 3))) == TANK
    assert SonarConditions.of_frame(frame()) == SonarConditions()


def test_conditions_of_several_frames_enclose_them():
    parts = [TANK, SonarConditions(), SonarConditions(("ARIS 1800",), (1.1, 1.1), (0.7, 2.0))]

    assert SonarConditions.merge(parts) == SonarConditions(("ARIS 1800", "ARIS 3000"), (1.1, 3.0), (0.7, 3.0))
    assert SonarConditions.merge([SonarConditions()]) is None
    assert SonarConditions.merge([]) is None


@pytest.mark.parametrize(
    ("other", "is_included"),
    [
        (SonarConditions(), True),
        (SonarConditions(range_m=(0.6, 3.4)), True),
        (SonarConditions(range_m=(0.4, 3.0)), False),
        (SonarConditions(range_m=(1.0, 3.6)), False),
        (SonarConditions(("ARIS 3000",)), True),
        (SonarConditions(("ARIS 1200",)), False),
        (SonarConditions(frequency_mhz=(1.8, 1.8)), False),
        (SonarConditions(frequency_mhz=(2.9, 3.1)), True),
        (SonarConditions(frequency_mhz=(3.0, 4.0)), False),
    ],
    ids=str,
)
def test_other_sonars_frequencies_and_ranges_are_unseen(other, is_included):
    assert TANK.include(other) is is_included


def test_what_is_not_known_of_the_training_is_not_compared():
    assert SonarConditions().include(TANK)
    assert ConditionsCheck(None).describe("a", TANK) is None


def test_each_sonar_is_reported_once():
    check = ConditionsCheck(TANK)
    far = SonarConditions(("ARIS 3000",), (3.0, 3.0), (1.0, 9.0))
    with pytest.warns(
        UnseenConditionsWarning, match=r"^a: ARIS 3000 \(3\.0 MHz\) at 1\.0–9\.0 m; .*at 1\.0–3\.0 m: expect"
    ):
        check.warn("a", far)

    assert check.describe("b", far) is None
    assert check.describe("c", SonarConditions(range_m=(3.0, 9.0))).startswith("c: a sonar at 3.0–9.0 m; the model")


def test_conditions_are_read_as_they_were_written():
    for conditions in (TANK, SonarConditions()):
        assert SonarConditions.from_json(json.loads(json.dumps(asdict(conditions)))) == conditions


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"sonar": "ARIS"},
        {"sonars": "ARIS"},
        {"sonars": [3]},
        {"range_m": [3]},
        {"range_m": [3, 1]},
        {"range_m": [-1, 1]},
        {"range_m": [1, float("inf")]},
        {"range_m": [float("nan"), 1]},
        {"frequency_mhz": ["1", "2"]},
        {"frequency_mhz": [True, 2]},
    ],
    ids=str,
)
def test_other_content_is_refused(content):
    with pytest.raises(ValueError, match="Received"):
        SonarConditions.from_json(content)
