import json
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


def test_what_is_written_is_found(image):
    (plain,) = open_frames(image)
    known = replace(plain, geometry=FAN, navigation=Navigation(10.0, 48.0, -4.0, 3.0), time=12.5)
    write_sidecar(image.parent, [("ping.png", known)])

    (frame,) = open_frames(image)

    assert (frame.geometry, frame.navigation, frame.time) == (FAN, known.navigation, 12.5)


def test_other_files_stay_as_they_are(image):
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
def test_a_damaged_sidecar(image, content):
    Path(image.parent / "geometry.json").write_text(content)

    with pytest.raises(FrameReadError, match="ping.png: frame 0: geometry.json beside it cannot be understood"):
        list(open_frames(image))


def test_a_strange_attribute(image):
    files = {"ping.png": [{"geometry": {"apex": [1, 2], "colour": "red"}}]}
    Path(image.parent / "geometry.json").write_text(json.dumps({"format_version": 1, "files": files}))

    with pytest.raises(FrameReadError, match="cannot be understood"):
        list(open_frames(image))
