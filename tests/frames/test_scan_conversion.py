import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.scan_conversion import MAX_COLS, ROWS, convert_scan, enclosing_fan, to_echoes, to_fan

FIRST, STEP, SAMPLES = 2.0, 0.02, 400
BEARINGS = np.linspace(-14, 14, 64)
FAN = FanGeometry.of_window(500, FIRST, FIRST + STEP * SAMPLES, 28.4)
SCAN = (FAN, BEARINGS, FIRST, STEP)


def test_an_echo_lies_at_its_range_and_bearing():
    echoes = np.zeros((SAMPLES, 64), np.uint8)
    echoes[300, 50] = 255

    image = to_fan(echoes, *SCAN)

    row, col = np.unravel_index(image.argmax(), image.shape)
    distance, bearing = FAN.to_polar([col + 0.5, row + 0.5])
    assert abs(distance - (FIRST + 300 * STEP)) < 1.5 * FAN.metres_per_pixel
    assert abs(bearing - BEARINGS[50]) < 0.25


def test_pixels_outside_the_fan_are_0():
    image = to_fan(np.full((SAMPLES, 64), 9, np.uint8), *SCAN)

    assert image.shape == FAN.shape
    assert image[0, 0] == image[-1, 0] == image[-1, -1] == 0
    assert set(np.unique(image)) == {0, 9}
    assert 0.4 < (image > 0).mean() < 0.9


def test_smooth_echoes_are_converted_back():
    sample, beam = np.meshgrid(np.linspace(0, 3, SAMPLES), np.linspace(0, 3, 64), indexing="ij")
    echoes = np.float32(2 + np.sin(sample) * np.cos(beam))

    back = to_echoes(to_fan(echoes, *SCAN), *SCAN, samples=SAMPLES)

    inner = np.s_[5:-5, 3:-3]  # at the border, pixels outside the fan contribute
    np.testing.assert_allclose(back[inner], echoes[inner], atol=0.03)


@given(
    first=st.floats(0, 1e6),
    step=st.floats(1e-6, 1e3),
    half=st.floats(1e-6, 89),
    samples=st.integers(1, 3000),
)
def test_no_range_window_needs_a_huge_image(first, step, half, samples):
    bearings = np.linspace(-half, half, 4)
    try:
        rows, cols = enclosing_fan(bearings, first, step, samples).shape
    except ValueError:
        return
    assert rows * cols <= 2 * ROWS * MAX_COLS
    if rows * cols < 1e5:
        image, fan = convert_scan(np.ones((samples, 4), np.uint8), bearings, first, step)
        assert image.shape == fan.shape and image.max() <= 1


def test_a_row_of_many_samples_shows_their_mean():
    noise = np.random.default_rng(0).uniform(0, 1, (4000, 32)).astype(np.float32)
    bright = np.float32(np.abs(np.arange(4000) - 3000) < 20)[:, None] * np.ones((1, 32), np.float32)
    bearings = np.linspace(-10, 10, 32)

    image, fan = convert_scan(noise, bearings, 2.0, 0.005)
    echo, _ = convert_scan(bright, bearings, 2.0, 0.005)

    assert image[image > 0].std() < 0.6 * noise.std()
    rows, cols = np.nonzero(echo > 0.5)
    assert fan.to_polar(np.stack([cols, rows], -1) + 0.5)[:, 0].mean() == pytest.approx(2 + 3000 * 0.005, abs=0.005)
