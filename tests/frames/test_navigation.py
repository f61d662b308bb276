import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames.geometry import Navigation

HERE = Navigation(heading=0.0, latitude=48.0, longitude=-4.0)


def test_ahead_to_the_north_and_right_to_the_east():
    north, east = HERE.to_position([[100.0, 0.0], [100.0, 90.0]])

    # A degree of latitude is some 111.2 km here, one of longitude cos(48°) times 111.3 km and a little more.
    np.testing.assert_allclose(north, [48 + 100 / 111_200, -4], atol=2e-6)
    np.testing.assert_allclose(east, [48, -4 + 100 / 74_600], atol=5e-6)


@given(st.floats(0, 360), st.floats(-80, 80), st.floats(-180, 180), st.floats(0.5, 200), st.floats(-90, 90))
def test_there_and_back(heading, latitude, longitude, distance, bearing):
    sonar = Navigation(heading, latitude, longitude)

    back = sonar.to_polar(sonar.to_position([distance, bearing]))

    assert back[0] == pytest.approx(distance, abs=1e-4)
    assert abs(back[1] - bearing) * distance < 0.1


@pytest.mark.parametrize("unknown", ["heading", "latitude", "longitude"])
def test_what_is_not_known_gives_no_position(unknown):
    sonar = Navigation(**{"heading": 1.0, "latitude": 2.0, "longitude": 3.0, unknown: None})

    with pytest.raises(ValueError, match="a position needs heading, latitude and longitude"):
        sonar.to_position([1.0, 0.0])
    with pytest.raises(ValueError, match="a bearing needs"):
        sonar.to_polar([1.0, 0.0])
