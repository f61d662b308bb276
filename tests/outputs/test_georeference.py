from pathlib import Path

import numpy as np
import pytest

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.outputs.coco import georeference

FAN = FanGeometry.of_window(400, 2, 10, 30)
# Ten pixels wide and twenty high, its centre 6 m ahead on the sonar's axis.
BOX = np.tile(FAN.from_polar([6.0, 0.0]), 2)[None] + [-5, -10, 5, 10]


def frame(**metadata):
    return Frame(np.zeros((4, 4), np.float32), Path("a.aris"), "a.aris", **metadata)


def test_plain_image_gives_no_position():
    assert georeference(frame(), BOX) == [{}]


def test_geometry_gives_range_bearing_and_size():
    (position,) = georeference(frame(geometry=FAN, navigation=Navigation(heading=10.0)), BOX)

    size = FAN.metres_per_pixel
    expected = {"range_m": 6, "bearing_deg": 0, "width_m": 10 * size, "range_extent_m": 20 * size}
    assert position == pytest.approx(expected, abs=1e-3)


def test_navigation_gives_latitude_and_longitude():
    (position,) = georeference(frame(geometry=FAN, navigation=Navigation(0.0, 48.0, -4.0)), BOX)

    assert position["latitude"] == pytest.approx(48 + 6 / 111_200, abs=2e-7)
    assert position["longitude"] == pytest.approx(-4)


def test_no_boxes_give_no_positions():
    assert georeference(frame(geometry=FAN), np.zeros((0, 4))) == []
