import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames.geometry import (
    FanGeometry,
    Navigation,
    ground_range,
    mean_position,
    metres_to_polar,
    polar_to_metres,
)

FAN = FanGeometry.of_window(rows=400, min_range=2.0, max_range=10.0, field_of_view=30.0)
SONAR = Navigation(heading=0.0, latitude=48.0, longitude=-4.0)
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
    np.testing.assert_allclose(polar_to_metres([5.0, 30.0]), [2.5, 5 * np.cos(np.pi / 6)])


def test_polar_positions_are_converted_in_any_number_of_dimensions():
    polar = np.random.default_rng(0).uniform([0, -90], [50, 90], (3, 4, 2))

    np.testing.assert_allclose(metres_to_polar(polar_to_metres(polar)), polar)
    assert polar_to_metres(np.zeros((0, 2))).shape == (0, 2)


@given(fans, st.floats(0, 1), st.floats(0, 1))
def test_polar_and_metres_are_converted_back_to_the_same_pixel(fan, x, y):
    rows, cols = fan.shape
    xy = np.array([x * cols, y * rows])

    assert np.abs(fan.from_polar(fan.to_polar(xy)) - xy).max() < 0.1
    assert np.abs(fan.from_metres(fan.to_metres(xy)) - xy).max() < 0.1


@given(fans, st.floats(0, 1), st.floats(-1, 1))
def test_the_frame_contains_the_whole_fan(fan, fraction, side):
    polar = fan.min_range + fraction * (fan.max_range - fan.min_range), side * fan.field_of_view / 2
    x, y = fan.from_polar(polar)
    rows, cols = fan.shape

    assert -0.01 <= x <= cols + 0.01 and -0.01 <= y <= rows + 1
    inside = fan.min_range + (0.0005 + 0.999 * fraction) * (fan.max_range - fan.min_range), polar[1] * 0.999
    assert fan.contains(fan.from_polar(inside))


def test_positions_outside_the_fan_are_not_contained():
    assert not FAN.contains(FAN.from_polar([[1.9, 0], [10.1, 0], [5, 15.1], [5, -15.1]])).any()


def test_sizes_of_boxes_are_in_metres():
    size = FAN.size_in_metres(np.array([[0, 0, 10, 20]]))

    np.testing.assert_allclose(size, [[10 * FAN.metres_per_pixel, 20 * FAN.metres_per_pixel]])
    assert FAN.size_in_metres(np.zeros((0, 4))).shape == (0, 2)


@pytest.mark.parametrize("window", [(400, 5, 5, 30), (400, -1, 5, 30), (400, 1, 5, 0), (400, 1, 5, 180), (0, 1, 5, 30)])
def test_a_window_that_is_not_a_fan_is_refused(window):
    with pytest.raises(ValueError, match="a fan has"):
        FanGeometry.of_window(*window)


def test_with_heading_north_ahead_is_north_and_right_is_east():
    north, east = SONAR.to_position([[100.0, 0.0], [100.0, 90.0]])

    # Here a degree of latitude is about 111.2 km, one of longitude slightly more than cos(48°) times 111.3 km.
    np.testing.assert_allclose(north, [48 + 100 / 111_200, -4], atol=2e-6)
    np.testing.assert_allclose(east, [48, -4 + 100 / 74_600], atol=5e-6)


@given(st.floats(0, 360), st.floats(-80, 80), st.floats(-180, 180), st.floats(0.5, 200), st.floats(-90, 90))
def test_a_position_is_converted_back_to_the_same_range_and_bearing(heading, latitude, longitude, distance, bearing):
    sonar = Navigation(heading, latitude, longitude)

    back = sonar.to_polar(sonar.to_position([distance, bearing]))

    assert back[0] == pytest.approx(distance, abs=1e-4)
    assert abs(back[1] - bearing) * distance < 0.1


@pytest.mark.parametrize("unknown", ["heading", "latitude", "longitude"])
def test_a_position_needs_heading_latitude_and_longitude(unknown):
    sonar = Navigation(**{"heading": 1.0, "latitude": 2.0, "longitude": 3.0, unknown: None})

    with pytest.raises(ValueError, match="a position needs heading, latitude and longitude"):
        sonar.to_position([1.0, 0.0])
    with pytest.raises(ValueError, match="a bearing needs"):
        sonar.to_polar([1.0, 0.0])


def test_positions_lie_on_both_sides_of_the_meridian_of_180_degrees():
    positions = Navigation(90.0, 10.0, 179.9999).to_position([[50.0, 0.0], [-50.0, 0.0]])

    assert positions[0, 1] == pytest.approx(-179.99964, abs=1e-4) and positions[1, 1] == pytest.approx(
        179.9994, abs=1e-4
    )
    sonar = Navigation(90.0, 10.0, 179.9999)
    np.testing.assert_allclose(sonar.to_polar(positions)[:, 0], [50, 50], atol=1e-3)


@pytest.mark.parametrize(("longitude", "wrapped"), [(180, -180), (-180, -180), (359.5, -0.5), (12.25, 12.25)])
def test_longitudes_are_wrapped(longitude, wrapped):
    assert Navigation(longitude=longitude).longitude == wrapped


def test_headings_are_wrapped_and_turned():
    assert Navigation(heading=-10.0).heading == 350
    assert Navigation(heading=350.0).turned(15.0).heading == 5
    assert Navigation(latitude=3.0).turned(15.0) == Navigation(latitude=3.0)


@pytest.mark.parametrize(
    "values",
    [
        {"latitude": 90.1},
        {"latitude": -91.0},
        {"longitude": 361.0},
        {"longitude": -181.0},
        {"latitude": np.nan},
        {"heading": np.inf},
        {"depth": np.nan},
        {"altitude": -1.0},
    ],
)
def test_positions_that_are_not_on_the_earth_are_refused(values):
    with pytest.raises(ValueError, match="a position has finite numbers"):
        Navigation(**values)


def test_positions_are_averaged_across_the_meridian_of_180_degrees():
    assert mean_position(np.array([1.0, 3.0]), np.array([179.5, -179.5])) == (2.0, -180.0)
    assert mean_position(np.array([1.0]), np.array([-180.0])) == (1.0, -180.0)
    latitude, longitude = mean_position(np.array([1.0, 3.0, 2.0]), np.array([4.0, 5.0, 6.0]))
    assert (latitude, longitude) == (2.0, 5.0)


def test_ground_ranges_are_shorter_than_slant_ranges():
    np.testing.assert_allclose(ground_range(np.array([5.0, 13.0, 2.0]), 3.0), [4.0, np.sqrt(160), 0.0])


def test_positions_are_computed_from_ground_ranges_if_the_altitude_is_known():
    above = Navigation(0.0, 48.0, -4.0, altitude=3.0).to_position([5.0, 20.0])

    np.testing.assert_allclose(above, Navigation(0.0, 48.0, -4.0).to_position([4.0, 20.0]))
