import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.frames.sidecar import write_sidecar

FAN = FanGeometry.of_window(4, 1, 2, 30)


@pytest.fixture
def image(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.full((4, 5), 90, np.uint8))
    return tmp_path / "ping.png"


def test_a_sidecar_is_read_as_it_was_written(image):
    (plain,) = open_frames(image)
    located = replace(plain, geometry=FAN, navigation=Navigation(10.0, 48.0, -4.0, 3.0), time=12.5)
    write_sidecar(image.parent, [("ping.png", located)])

    (frame,) = open_frames(image)

    assert (frame.geometry, frame.navigation, frame.time) == (FAN, located.navigation, 12.5)


def test_files_that_the_sidecar_does_not_list_are_unchanged(image):
    (plain,) = open_frames(image)
    write_sidecar(image.parent, [("other.png", replace(plain, geometry=FAN))])

    (frame,) = open_frames(image)

    assert frame.geometry is None


def test_a_changed_sidecar_is_read_again(image):
    (plain,) = open_frames(image)
    for fan in (FAN, replace(FAN, max_range=3.0)):
        write_sidecar(image.parent, [("ping.png", replace(plain, geometry=fan))])
        (frame,) = open_frames(image)
        assert frame.geometry == fan


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format_version": 9, "files": {}}', '{"format_version": 1, "files": {"a": [3]}}']
)
def test_a_damaged_sidecar_is_an_error(image, content):
    Path(image.parent / "geometry.json").write_text(content)

    with pytest.raises(FrameReadError, match="ping.png: frame 0: geometry.json in its folder cannot be read"):
        list(open_frames(image))


def test_an_unknown_attribute_in_the_sidecar_is_an_error(image):
    files = {"ping.png": [{"geometry": {"apex": [1, 2], "colour": "red"}}]}
    Path(image.parent / "geometry.json").write_text(json.dumps({"format_version": 1, "files": files}))

    with pytest.raises(FrameReadError, match="cannot be read"):
        list(open_frames(image))


FAN_ENTRY = {"apex": [1, 2], "metres_per_pixel": 0.1, "min_range": 0, "max_range": 2, "field_of_view": 30}


@pytest.mark.parametrize(
    "entry",
    [
        {"geometry": FAN_ENTRY | {"metres_per_pixel": "wide"}},
        {"geometry": FAN_ENTRY | {"metres_per_pixel": 0}},
        {"geometry": FAN_ENTRY | {"max_range": float("nan")}},
        {"geometry": FAN_ENTRY | {"min_range": 3}},
        {"geometry": FAN_ENTRY | {"apex": [1, float("inf")]}},
        {"navigation": {"latitude": 91}},
        {"navigation": {"heading": "north"}},
        {"navigation": {"heading": float("nan")}},
        {"time": float("nan")},
    ],
)
def test_values_without_sense_in_the_sidecar_are_an_error(image, entry):
    Path(image.parent / "geometry.json").write_text(json.dumps({"format_version": 1, "files": {"ping.png": [entry]}}))

    with pytest.raises(FrameReadError, match="geometry.json in its folder cannot be read"):
        list(open_frames(image))


def test_deep_nesting_in_the_sidecar_is_an_error(image):
    Path(image.parent / "geometry.json").write_text("[" * 100_000)

    with pytest.raises(FrameReadError, match="cannot be read"):
        list(open_frames(image))


def test_a_sidecar_that_is_a_pipe_is_an_error(image):
    os.mkfifo(image.parent / "geometry.json")

    with pytest.raises(FrameReadError, match="not a regular file"):
        list(open_frames(image))


def test_the_sonar_is_kept(image):
    (plain,) = open_frames(image)
    write_sidecar(image.parent, [("ping.png", replace(plain, sonar="ARIS 3000", frequency=1.8))])

    (frame,) = open_frames(image)

    assert (frame.sonar, frame.frequency) == ("ARIS 3000", 1.8)
