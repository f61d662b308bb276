import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames import open_frames
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.range_window import RangeWindow, measure_outline

PROBLEM = "its outline is not that of a fan on black"
FAN = FanGeometry.of_window(300, 2.0, 10.0, 50.0)


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

    apex, nearest, farthest, angle = measure_outline(draw(fan, padding))

    scale = fan.metres_per_pixel
    assert apex == pytest.approx(np.add(fan.apex, padding), abs=2 + 0.01 * rows)
    assert (nearest, farthest) == pytest.approx((near * 10 / scale, 10 / scale), abs=3 + 0.01 * rows)
    assert angle == pytest.approx(field_of_view, abs=0.6)


def test_black_in_a_lossy_image_is_outside_the_fan():
    fan = FanGeometry.of_window(400, 2.0, 10.0, 40.0)
    image = np.uint8(draw(fan, 8) * 255)
    jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_GRAYSCALE)

    assert measure_outline(np.float32(jpeg) / 255).field_of_view == pytest.approx(40, abs=0.5)


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
        measure_outline(image)


def test_the_two_range_windows_of_the_watertank_frames(real_data):
    paths = sorted((real_data / "watertank-segmentation" / "Images").iterdir())[::100]
    outlines = np.array([np.hstack(measure_outline(next(open_frames(path)).image)) for path in paths])

    near = np.abs(outlines - [160, 602.5, 138.5, 578, 30]).max(axis=1) < 2
    far = np.abs(outlines - [160, 748.7, 289.5, 720, 24.4]).max(axis=1) < 2
    assert (near | far).all() and near.any() and far.any()


@pytest.fixture
def drawn(tmp_path):
    rows, cols = FAN.shape
    y, x = np.mgrid[:rows, :cols] + 0.5
    np.save(tmp_path / "dive.npy", np.stack([FAN.contains(np.stack([x, y], -1)).astype(np.uint8) * 90] * 3))
    return tmp_path / "dive.npy"


def test_a_window_with_a_field_of_view_fills_the_frame(drawn):
    frames = list(open_frames(drawn, window=RangeWindow(10.0, 2.0, 50.0)))

    assert len(frames) == 3
    assert frames[1].geometry.to_polar([[100, 20]]) == pytest.approx(FAN.to_polar([[100, 20]]), rel=0.01)


def test_a_window_without_a_field_of_view_is_measured_on_the_frame(drawn):
    frame = next(open_frames(drawn, window=RangeWindow(10.0)))

    assert frame.geometry.to_polar([[100, 20]]) == pytest.approx(FAN.to_polar([[100, 20]]), rel=0.02)
    assert frame.geometry.min_range == pytest.approx(2, abs=0.1)


def test_frames_whose_outline_cannot_be_measured_are_reported(tmp_path):
    np.save(tmp_path / "even.npy", np.full((3, 40, 50), 90, np.uint8))
    errors = []

    assert list(open_frames(tmp_path / "even.npy", errors.append, window=RangeWindow(10.0))) == []
    assert [error.index for error in errors] == [0, 1, 2]
    assert "frame 2: its outline is not that of a fan" in str(errors[2])
