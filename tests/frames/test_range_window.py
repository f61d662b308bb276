import numpy as np
import pytest

from sonar_debris.frames import open_frames
from sonar_debris.frames.fan_outline import RangeWindow
from sonar_debris.frames.geometry import FanGeometry

FAN = FanGeometry.of_window(300, 2.0, 10.0, 50.0)


@pytest.fixture
def drawn(tmp_path):
    rows, cols = FAN.shape
    y, x = np.mgrid[:rows, :cols] + 0.5
    np.save(tmp_path / "dive.npy", np.stack([FAN.contains(np.stack([x, y], -1)).astype(np.uint8) * 90] * 3))
    return tmp_path / "dive.npy"


def test_a_fan_that_is_given_fills_the_frame(drawn):
    frames = list(open_frames(drawn, window=RangeWindow(10.0, 2.0, 50.0)))

    assert len(frames) == 3
    assert frames[1].geometry.to_polar([[100, 20]]) == pytest.approx(FAN.to_polar([[100, 20]]), rel=0.01)


def test_a_fan_that_is_seen_needs_its_range_only(drawn):
    frame = next(open_frames(drawn, window=RangeWindow(10.0)))

    assert frame.geometry.to_polar([[100, 20]]) == pytest.approx(FAN.to_polar([[100, 20]]), rel=0.02)
    assert frame.geometry.min_range == pytest.approx(2, abs=0.1)


def test_frames_whose_fan_cannot_be_seen_are_named(tmp_path):
    np.save(tmp_path / "even.npy", np.full((3, 40, 50), 90, np.uint8))
    errors = []

    assert list(open_frames(tmp_path / "even.npy", errors.append, window=RangeWindow(10.0))) == []
    assert [error.index for error in errors] == [0, 1, 2]
    assert "frame 2: its outline is not that of a fan" in str(errors[2])
