"""The reader is tested with a fake of pytritech: no recording may be redistributed."""

import contextlib
import importlib.util
import sys
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.readers import find_format

BEAMS, SAMPLES = 64, 200


class Recording(contextlib.AbstractContextManager):
    """Fake of pytritech's GLF: two images with a bright echo on the left; the leftmost beam comes first."""

    def __init__(self, path):
        record = {
            "bearing_table": list(np.radians(np.linspace(60, -60, BEAMS))),  # radians to the left
            "sos_at_xd": 1500.0,
            "modulation_freq": 15000,
            "range_start": 20,
            "db_tx_time": datetime(2024, 1, 1, tzinfo=UTC),
        }
        self.images = [SimpleNamespace(**record), SimpleNamespace(**record | {"modulation_freq": 0})]

    def __exit__(self, *error):
        return None

    def extract_image(self, record):
        echoes = np.full((SAMPLES, BEAMS), 20, np.uint8)
        echoes[100:104, 10:12] = 250
        return echoes.tobytes(), (BEAMS, SAMPLES)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "dive.glf").write_bytes(b"a recording")
    return tmp_path / "dive.glf"


@pytest.fixture
def pytritech(monkeypatch):
    module = ModuleType("pytritech.glf")
    module.GLF = Recording
    monkeypatch.setitem(sys.modules, "pytritech", ModuleType("pytritech"))
    monkeypatch.setitem(sys.modules, "pytritech.glf", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: module)
    return module


def test_frames_have_range_bearing_and_time(path, pytritech):
    errors = []

    (frame,) = open_frames(path, errors.append)

    y, x = np.unravel_index(frame.image.argmax(), frame.image.shape)
    distance, bearing = frame.geometry.to_polar([x + 0.5, y + 0.5])
    assert distance == pytest.approx((20 + 101.5) * 0.05, abs=0.15)
    assert bearing == pytest.approx(-60 + 10.5 * 120 / (BEAMS - 1), abs=2)
    assert frame.time == datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    assert find_format(path).count(path) == 2
    assert "frame 1: 12800 bytes do not fit" in str(errors[0])


def test_without_pytritech_the_error_names_it_and_its_licence(path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(FrameReadError, match="needs pytritech, under the GNU GPL: pip install pytritech"):
        list(open_frames(path))


def test_any_error_of_pytritech_becomes_a_frame_read_error(path, pytritech):
    pytritech.GLF = lambda path: [][0]

    with pytest.raises(FrameReadError, match="not a Gemini recording that pytritech reads"):
        list(open_frames(path))


@pytest.mark.skipif(importlib.util.find_spec("pytritech") is None, reason="pytritech is not installed")
def test_pytritech_refuses_a_file_that_is_not_a_recording(path):
    with pytest.raises(FrameReadError, match="dive.glf"):
        list(open_frames(path))
