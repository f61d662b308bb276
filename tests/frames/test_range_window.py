import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.frame import Frame, FrameSelection
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.frames.scan_conversion import convert_scan

FAN = FanGeometry.of_window(300, 2.0, 10.0, 50.0)


def draw(fan, shape=None, offset=(0, 0), seed=0):
    """Return a frame with speckle in a fan whose upper left corner is offset by (x, y) pixels; uint8."""
    rows, cols = fan.shape
    y, x = np.mgrid[:rows, :cols] + 0.5
    inside = fan.contains(np.stack([x, y], -1))
    image = np.zeros(shape or (rows, cols), np.uint8)
    speckle = np.random.default_rng(seed).uniform(20, 200, inside.shape)
    image[offset[1] : offset[1] + rows, offset[0] : offset[0] + cols] = inside * speckle
    return image


def fading_fan(seed):
    """Return a fan of 29 degrees from 0.7 to 10 m whose sides fade into black, and its geometry."""
    bearings = np.linspace(-14.35, 14.35, 96)
    fading = np.clip((14.6 - np.abs(bearings)) / 6.0, 0.01, 1) ** 2 * np.linspace(1, 0.3, 512)[:, None]
    echoes = np.random.default_rng(seed).rayleigh(25, (512, 96)) * fading
    image, fan = convert_scan(np.clip(echoes, 0, 255).astype(np.uint8), bearings, 0.7, 9.3 / 512)
    return np.pad(image, 6), replace(fan, apex=(fan.apex[0] + 6, fan.apex[1] + 6))


def read(path, window, **options):
    """Return the frames, and the texts of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frames = list(open_frames(path, window=window, **options))
    return frames, [str(item.message) for item in caught]


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


def test_the_fan_of_a_recording_is_measured_once_on_many_frames(tmp_path):
    images, fans = zip(*map(fading_fan, range(24)), strict=True)
    np.save(tmp_path / "dive.npy", np.stack(images))

    frames, messages = read(tmp_path / "dive.npy", RangeWindow(10.0))

    assert len(frames) == 24 and messages == []
    (fan,) = {frame.geometry for frame in frames}
    # The faintest echoes of the sides cannot be told from black.
    assert (fan.min_range, fan.field_of_view) == (pytest.approx(0.7, abs=0.08), pytest.approx(29, abs=2.2))
    point = [[fan.apex[0] + 40, 200.0]]
    np.testing.assert_allclose(fan.to_polar(point), fans[0].to_polar(point), rtol=0.01)


def test_a_selection_of_frames_has_the_fan_of_the_whole_recording(tmp_path):
    np.save(tmp_path / "dive.npy", np.stack([fading_fan(seed)[0] for seed in range(6)]))

    (whole, *_), _ = read(tmp_path / "dive.npy", RangeWindow(10.0))
    ((part,), _) = read(tmp_path / "dive.npy", RangeWindow(10.0), selection=FrameSelection(slice(4, 5)))

    assert part.geometry == whole.geometry


def test_images_of_a_folder_have_the_same_fan_however_they_are_opened(tmp_path):
    for seed in range(5):
        cv2.imwrite(str(tmp_path / f"ping-{seed}.png"), fading_fan(seed)[0])

    frames, messages = read(tmp_path, RangeWindow(10.0))
    ((single,), _) = read(tmp_path / "ping-3.png", RangeWindow(10.0))

    assert {frame.geometry for frame in frames} == {single.geometry} and messages == []


def test_frames_whose_fan_differs_are_named_in_one_warning(tmp_path):
    near, far = FanGeometry.of_window(300, 2.0, 10.0, 30.0), FanGeometry.of_window(300, 4.0, 10.0, 24.0)
    shape = (320, 240)
    images = [draw(far if number in (7, 21) else near, shape, (20, 10), number) for number in range(40)]
    images[30] = np.zeros(shape, np.uint8)  # dark: it has the fan of the others
    np.save(tmp_path / "dive.npy", np.stack(images))

    frames, messages = read(tmp_path / "dive.npy", RangeWindow(10.0))

    assert len(frames) == 40 and len({frame.geometry for frame in frames}) == 2
    for number, fan in ((0, near), (7, far), (21, far), (30, near)):
        point = np.array([fan.apex]) + [[20, -200]]
        expected = fan.to_polar(point)
        np.testing.assert_allclose(frames[number].geometry.to_polar(point + [20, 10]), expected, rtol=0.03)
    (message,) = messages
    assert message.startswith(f"{tmp_path}/dive.npy: the outline of some fans differs")
    assert message.endswith("--range-max of their own: frame 7, frame 21")


def test_images_of_another_fan_are_named(tmp_path):
    near, far = FanGeometry.of_window(300, 2.0, 10.0, 30.0), FanGeometry.of_window(300, 4.0, 10.0, 24.0)
    for number in range(15):
        fan = far if number >= 3 else near
        cv2.imwrite(str(tmp_path / f"ping-{number}.png"), draw(fan, (320, 240), (20, 10), number))

    _, messages = read(tmp_path, RangeWindow(10.0))

    assert len(messages) == 1 and messages[0].endswith("ping-0.png, ping-1.png, ping-2.png")


def test_an_image_that_is_no_fan_is_refused_among_fans(tmp_path):
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"ping-{number}.png"), draw(FAN, seed=number))
    cv2.imwrite(str(tmp_path / "photo.png"), np.full(FAN.shape, 90, np.uint8))
    errors = []

    frames, _ = read(tmp_path, RangeWindow(10.0), on_error=errors.append)

    assert [frame.name for frame in frames] == [f"ping-{number}.png" for number in range(4)]
    assert [error.name for error in errors] == ["photo.png"]


SHAPE, OFFSET = (FAN.shape[0] + 100, FAN.shape[1] + 120), (90, 60)
APEX = FAN.apex[0] + OFFSET[0], FAN.apex[1] + OFFSET[1]
CROP = OFFSET[0], OFFSET[1], OFFSET[0] + FAN.shape[1], OFFSET[1] + FAN.shape[0]


@pytest.fixture
def with_margins(tmp_path):
    """A recording of a fan with margins, in which text is written."""
    images = [draw(FAN, SHAPE, OFFSET, seed) for seed in range(5)]
    for number, image in enumerate(images):
        cv2.putText(image, f"DIVE 7  {number}", (5, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    np.save(tmp_path / "dive.npy", np.stack(images))
    return tmp_path / "dive.npy"


@pytest.mark.parametrize(
    "window",
    [
        RangeWindow(10.0, crop=CROP),
        RangeWindow(10.0, apex=APEX, crop=CROP),
        RangeWindow(10.0, 2.0, 50.0, crop=CROP),
        RangeWindow(10.0, 2.0, 50.0, apex=APEX, crop=(0, OFFSET[1], SHAPE[1], SHAPE[0])),
    ],
)
def test_a_fan_with_margins_is_described_by_crop_and_apex(with_margins, window):
    frames, messages = read(with_margins, window)

    points = np.array([[100.0, 20.0], [140.0, 200.0]])
    for frame in frames:
        np.testing.assert_allclose(frame.geometry.to_polar(points + OFFSET), FAN.to_polar(points), rtol=0.02)
    assert len(frames) == 5 and messages == []


@pytest.mark.parametrize("window", [RangeWindow(10.0, 2.0, 50.0), RangeWindow(10.0, 2.0, 50.0, apex=APEX)])
def test_a_fan_that_does_not_reach_the_border_is_warned_of(with_margins, window):
    frames, messages = read(with_margins, window)

    assert len(frames) == 5 and len(messages) == 1
    assert messages[0].startswith(f"{with_margins}: the fan does not reach the border that --fov expects")
    assert "give --crop or --apex" in messages[0]


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        (RangeWindow(10.0, crop=(0, 0, 9999, 9)), "the crop .* does not lie in the frame"),
        (RangeWindow(10.0, crop=(50, 0, 50, 9)), "the crop"),
        (RangeWindow(10.0, 2.0, 50.0, apex=(100.0, -5.0)), "the apex .* must lie below row 0"),
        (RangeWindow(10.0, 20.0, 50.0), "a fan has"),
    ],
)
def test_settings_that_do_not_fit_the_frame_are_refused(with_margins, window, reason):
    with pytest.raises(FrameReadError, match=reason):
        next(open_frames(with_margins, window=window))


def test_settings_are_recorded_without_those_that_are_not_given():
    assert RangeWindow(10.0).to_settings() == {"max_range": 10.0, "min_range": 0.0, "field_of_view": None}
    assert RangeWindow(10.0, apex=(3.0, 4.0), crop=(1, 2, 3, 4)).to_settings()["crop"] == [1, 2, 3, 4]


def test_a_window_adds_the_fan_of_a_single_frame():
    frame = Frame(draw(FAN) / np.float32(255), Path("ping.png"), "ping.png")

    located = RangeWindow(10.0).add_to(frame)

    assert located.geometry.field_of_view == pytest.approx(50, abs=0.5)
    assert RangeWindow(99.0).add_to(located) is located
