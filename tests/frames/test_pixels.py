import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sonar_debris.frames.pixels import MAX_PIXELS, check_shape, to_grey, white_level


@pytest.mark.parametrize("shape", [(1, 1), (480, 320), (4, 5, 1), (4, 5, 3), (4, 5, 4), (1, MAX_PIXELS)])
def test_shapes_of_frames_are_accepted(shape):
    check_shape(shape)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((), "a frame is"),
        ((5,), "a frame is"),
        ((4, 5, 2), "a frame is"),
        ((2, 4, 5, 1), "a frame is"),
        ((0, 5), "no pixels"),
        ((5, 0, 3), "no pixels"),
        ((-4, -5), "no pixels"),
        ((1, MAX_PIXELS + 1), "too large"),
        ((2**40, 2**40), "too large"),
    ],
)
def test_other_shapes_are_refused(shape, reason):
    with pytest.raises(ValueError, match=reason):
        check_shape(shape)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int8", "int16", "uint32", "int64"])
def test_integers_are_divided_by_their_maximum(dtype):
    top = np.iinfo(dtype).max
    grey = to_grey(np.array([[0, 1, top]], dtype))
    assert grey.dtype == np.float32
    np.testing.assert_allclose(grey, [[0, 1 / top, 1]], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "bool"])
def test_floats_and_bools_keep_their_values(dtype):
    pixels = np.array([[0, 1], [0.5, 3]]).astype(dtype)
    grey = to_grey(pixels)
    assert grey.dtype == np.float32
    np.testing.assert_array_equal(grey, pixels.astype(np.float32))


@pytest.mark.parametrize(
    ("colour", "luma"),
    [((255, 0, 0), 0.299), ((0, 255, 0), 0.587), ((0, 0, 255), 0.114), ((0, 255, 0, 7), 0.587)],
)
def test_colour_becomes_luma_and_alpha_is_ignored(colour, luma):
    assert to_grey(np.array([[colour]], np.uint8)) == pytest.approx(luma, abs=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_equal_channels_are_exact(dtype, channels):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[:, None]
    colour = np.repeat(values[..., None], channels, axis=2)
    colour[..., 3:] = 9  # alpha
    np.testing.assert_array_equal(to_grey(colour), to_grey(values))


def test_the_stored_pixels_are_not_shared_with_the_frame():
    pixels = np.ones((2, 2), np.float32)
    to_grey(pixels)[:] = 5
    assert pixels.max() == 1


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        ([[np.nan, np.nan]], "holds NaN only"),
        ([[[np.nan, np.nan, np.nan]]], "holds NaN only"),
        ([[0.0, np.inf]], "holds infinite values"),
        ([[np.nan, np.inf]], "holds infinite values"),
        ([[0.0, 1e300]], "values too large for float32"),
        ([[1j]], "Received: dtype complex128"),
        ([["a"]], "Received: dtype <U1"),
        (np.zeros((0, 5)), "no pixels"),
    ],
)
def test_invalid_pixels_are_refused(pixels, reason):
    with pytest.raises(ValueError, match=reason):
        to_grey(np.array(pixels))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_that_are_nan_are_outside_the_fan(dtype):
    pixels = np.array([[np.nan, 0.25], [3.0, np.nan]], dtype)

    np.testing.assert_array_equal(to_grey(pixels), np.float32([[0, 0.25], [3, 0]]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decibels_are_scaled_from_their_floor_to_zero_decibels(dtype):
    decibels = np.array([[-np.inf, np.nan, -60.0], [-45.0, -30.0, -15.0]], dtype)

    np.testing.assert_allclose(to_grey(decibels), [[0, 0, 0], [0.25, 0.5, 0.75]], atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([[-20.0, 0.0, 60.0]], [[0, 0.25, 1]]),  # decibels above a threshold of hearing
        ([[0, -5]], [[1, 0]]),
        ([[-60.0, -60.0]], [[0, 0]]),
        ([[-np.inf, -np.inf]], [[0, 0]]),  # nothing came back
        ([[-np.inf, np.nan]], [[0, 0]]),
        ([[[-60.0, -30.0, 0.0]]], [[0.587 * 0.5 + 0.114]]),
    ],
)
def test_images_with_negative_values_are_decibels(pixels, expected):
    np.testing.assert_allclose(to_grey(np.array(pixels)), expected, atol=1e-6)


@given(
    arrays(
        st.sampled_from([np.float32, np.float64, np.int16]),
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        elements=st.integers(-100, 100),
    )
)
def test_every_finite_image_becomes_finite_and_not_negative(pixels):
    grey = to_grey(pixels)

    assert grey.shape == pixels.shape and grey.dtype == np.float32
    assert np.isfinite(grey).all() and grey.min() >= 0


@pytest.mark.parametrize(
    ("pixels", "white"),
    [
        (np.float32([[0, 0.5, 1]]), 1),
        (np.float32([[0, 20, 80]]), 80),
        (np.float32([[0, 3, 31]]) / 255, 1),  # dark, but all that 8 bits held
        (np.float32([[0, 100, 4095]]) / 65535, 4095 / 65535),
        (np.zeros((2, 2), np.float32), 1),
        (np.full((2, 2), 7, np.float32), 7),
    ],
)
def test_white_is_one_unless_eight_bits_could_not_show_the_frame(pixels, white):
    assert white_level(pixels) == pytest.approx(white)


def test_white_is_no_brighter_than_what_detection_distinguishes():
    pixels = np.full((100, 100), 2, np.float32)
    pixels[0, 0] = 1e9

    assert 1e6 < white_level(pixels) < 1e8
