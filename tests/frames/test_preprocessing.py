from pathlib import Path

import numpy as np
import pytest

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import normalise, preprocess


def test_the_fan_has_zero_mean_and_unit_deviation():
    image = np.array([[0, 2, 4], [0, 2, 4]], np.float32)

    np.testing.assert_allclose(normalise(image), [[0, -1, 1], [0, -1, 1]])


@pytest.mark.parametrize("gain", [1e-30, 0.5, 255, 3e38])
def test_the_gain_makes_no_difference(gain):
    image = np.random.default_rng(0).uniform(0.01, 1, (20, 30)).astype(np.float32)

    np.testing.assert_allclose(normalise(image * np.float32(gain)), normalise(image), atol=1e-4)


def test_the_black_around_the_fan_makes_no_difference():
    fan = np.random.default_rng(0).uniform(0.01, 1, (20, 30)).astype(np.float32)

    padded = normalise(np.pad(fan, 10))

    np.testing.assert_allclose(padded[10:-10, 10:-10], normalise(fan), atol=1e-6)
    assert not padded[:10].any()


def test_outliers_are_clipped():
    image = np.ones((100, 100), np.float32)
    image[0, 0] = 1000

    assert normalise(image).max() == 8


# In float32 the mean of many 0.1 is not 0.1: rounding would look like contrast.
@pytest.mark.parametrize("value", [0, 0.1, 0.3, 1])
@pytest.mark.parametrize("shape", [(1, 1), (101, 77)])
def test_a_flat_frame_becomes_zero(value, shape):
    flat = normalise(np.full(shape, value, np.float32))

    assert flat.shape == shape
    assert flat.dtype == np.float32
    assert not flat.any()


def test_the_input_is_not_changed():
    image = np.array([[0, 2, 4]], np.float32)

    assert normalise(image) is not image
    np.testing.assert_array_equal(image, [[0, 2, 4]])


@pytest.mark.parametrize(
    ("shape", "reduced_shape"),
    [
        ((480, 320), (480, 320)),
        ((100, 700), (100, 700)),
        ((640, 427), (480, 320)),
        ((1000, 1800), (480, 864)),
        ((500, 4000), (120, 960)),
        ((20000, 3), (480, 1)),
    ],
)
def test_a_large_frame_is_reduced_to_the_size_of_the_training_frames(shape, reduced_shape):
    image = np.random.default_rng(0).integers(1, 255, shape).astype(np.float32) / 255

    reduced, factors = preprocess(Frame(image, Path("ping.png"), "ping.png"))

    assert reduced.shape == reduced_shape
    assert factors == pytest.approx(np.tile(np.array(reduced_shape[::-1]) / shape[::-1], 2))
