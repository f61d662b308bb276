import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames import open_frames
from sonar_debris.frames.fan_outline import FanOutline, find_bright, measure_outline
from sonar_debris.frames.geometry import FanGeometry

PROBLEM = "its outline is not that of a fan on black"


def draw(fan, padding=0):
    rows, cols = fan.shape
    y, x = np.mgrid[:rows, :cols] + 0.5
    image = np.where(fan.contains(np.stack([x, y], -1)), 0.4, 0).astype(np.float32)
    image *= np.random.default_rng(0).uniform(0.2, 1, image.shape).astype(np.float32)
    return np.pad(image, padding)


@settings(max_examples=40)
@given(
    rows=st.integers(300, 600),
    field_of_view=st.floats(20, 140),
    near=st.floats(0.1, 0.5),
    padding=st.integers(0, 20),
)
def test_the_outline_of_a_drawn_fan_is_measured(rows, field_of_view, near, padding):
    fan = FanGeometry.of_window(rows, near * 10, 10.0, field_of_view)

    apex, nearest, farthest, angle = measure_outline(find_bright(draw(fan, padding)))

    scale = fan.metres_per_pixel
    assert apex == pytest.approx(np.add(fan.apex, padding), abs=2 + 0.01 * rows)
    assert (nearest, farthest) == pytest.approx((near * 10 / scale, 10 / scale), abs=3 + 0.01 * rows)
    assert angle == pytest.approx(field_of_view, abs=0.6)


def test_black_in_a_lossy_image_is_outside_the_fan():
    fan = FanGeometry.of_window(400, 2.0, 10.0, 40.0)
    image = np.uint8(draw(fan, 8) * 255)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)

    assert measure_outline(find_bright(np.float32(jpeg) / 255)).field_of_view == pytest.approx(40, abs=0.5)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 60), np.float32),
        np.ones((50, 60), np.float32),
        np.float32(np.random.default_rng(0).random((60, 50)) > 0.99),
        np.tri(80, dtype=np.float32),
    ],
)
def test_an_image_without_a_fan_is_refused(image):
    with pytest.raises(ValueError, match=PROBLEM):
        measure_outline(find_bright(image))


def test_the_two_range_windows_of_the_watertank_frames(real_data):
    paths = sorted((real_data / "watertank-segmentation" / "Images").iterdir())[::100]
    outlines = np.array([np.hstack(measure_outline(find_bright(next(open_frames(path)).image))) for path in paths])

    near = np.abs(outlines - [160, 602.5, 138.5, 578, 30]).max(axis=1) < 2
    far = np.abs(outlines - [160, 748.7, 289.5, 720, 24.4]).max(axis=1) < 2
    assert (near | far).all() and near.any() and far.any()


def test_the_field_of_view_is_measured_from_a_known_apex():
    fan = FanGeometry.of_window(400, 2.0, 10.0, 40.0)

    outline = measure_outline(find_bright(draw(fan, 10)), (fan.apex[0] + 10, fan.apex[1] + 10))

    assert outline.apex == (fan.apex[0] + 10, fan.apex[1] + 10)
    assert outline.field_of_view == pytest.approx(40, abs=0.5)
    assert outline.max_radius * fan.metres_per_pixel == pytest.approx(10, abs=0.05)


@pytest.mark.parametrize("apex", [(100.0, -50.0), (100.0, 5000.0)])
def test_an_apex_that_is_not_that_of_the_fan_is_refused(apex):
    with pytest.raises(ValueError, match=PROBLEM):
        measure_outline(find_bright(draw(FanGeometry.of_window(400, 2.0, 10.0, 40.0))), apex)


def test_pixels_outside_of_the_crop_are_not_bright():
    mask = find_bright(np.ones((40, 50), np.float32), (10, 5, 30, 25))

    assert mask[5:25, 10:30].all() and np.count_nonzero(mask) == 20 * 20


def test_a_large_frame_is_measured_as_accurately():
    fan = FanGeometry.of_window(2600, 2.0, 10.0, 40.0)

    outline = measure_outline(find_bright(draw(fan)))

    assert outline.field_of_view == pytest.approx(40, abs=0.3)
    assert outline.max_radius * fan.metres_per_pixel == pytest.approx(10, abs=0.03)


@pytest.mark.parametrize(
    ("other", "agrees"),
    [
        (FanOutline((100.0, 500.0), 100.0, 480.0, 30.0), True),
        (FanOutline((101.0, 503.0), 90.0, 483.0, 29.0), True),
        (FanOutline((100.0, 700.0), 300.0, 680.0, 24.0), False),
        (FanOutline((130.0, 500.0), 100.0, 480.0, 30.0), False),
    ],
)
def test_outlines_agree_if_they_give_the_same_ranges_and_bearings(other, agrees):
    outline = FanOutline((100.0, 500.0), 100.0, 480.0, 30.0)

    assert outline.agrees_with(other) is agrees and other.agrees_with(outline) is agrees
