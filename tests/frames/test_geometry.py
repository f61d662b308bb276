import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames.geometry import FanGeometry

FAN = FanGeometry.of_window(rows=400, min_range=2.0, max_range=10.0, field_of_view=30.0)
fans = st.builds(
    lambda rows, near, length, view: FanGeometry.of_window(rows, near, near + length, view),
    st.integers(20, 2000),
    st.floats(0, 50),
    st.floats(0.5, 100),
    st.floats(5, 150),
)


def test_range_grows_upwards_and_bearing_to_the_right():
    rows, cols = FAN.shape
    (top, _), (bottom, _) = FAN.to_polar([[cols / 2, 0], [cols / 2, rows]])
    (_, left), (_, right) = FAN.to_polar([[0, rows / 2], [cols, rows / 2]])

    assert top == pytest.approx(10, abs=0.02) and bottom == pytest.approx(2, abs=0.1)
    assert left < -10 and right > 10


def test_metres_are_right_and_ahead_of_the_sonar():
    np.testing.assert_allclose(FAN.to_metres(FAN.from_polar([5.0, 30.0])), [2.5, 5 * np.cos(np.pi / 6)])


@given(fans, st.floats(0, 1), st.floats(0, 1))
def test_there_and_back(fan, x, y):
    rows, cols = fan.shape
    xy = np.array([x * cols, y * rows])

    assert np.abs(fan.from_polar(fan.to_polar(xy)) - xy).max() < 0.1
    assert np.abs(fan.from_metres(fan.to_metres(xy)) - xy).max() < 0.1


@given(fans, st.floats(0, 1), st.floats(-1, 1))
def test_the_frame_holds_the_whole_fan(fan, share, side):
    polar = fan.min_range + share * (fan.max_range - fan.min_range), side * fan.field_of_view / 2
    x, y = fan.from_polar(polar)
    rows, cols = fan.shape

    assert -0.01 <= x <= cols + 0.01 and -0.01 <= y <= rows + 1
    within = fan.min_range + (0.0005 + 0.999 * share) * (fan.max_range - fan.min_range), polar[1] * 0.999
    assert fan.contains(fan.from_polar(within))


def test_what_lies_outside_the_fan():
    assert not FAN.contains(FAN.from_polar([[1.9, 0], [10.1, 0], [5, 15.1], [5, -15.1]])).any()


def test_size_of_boxes():
    size = FAN.size_in_metres(np.array([[0, 0, 10, 20]]))

    np.testing.assert_allclose(size, [[10 * FAN.metres_per_pixel, 20 * FAN.metres_per_pixel]])
    assert FAN.size_in_metres(np.zeros((0, 4))).shape == (0, 2)


@pytest.mark.parametrize("window", [(400, 5, 5, 30), (400, -1, 5, 30), (400, 1, 5, 0), (400, 1, 5, 180), (0, 1, 5, 30)])
def test_no_fan(window):
    with pytest.raises(ValueError, match="a fan has"):
        FanGeometry.of_window(*window)
