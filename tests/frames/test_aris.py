"""Recordings that these tests write, and the sample of the maker's SDK."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames import FrameReadError, FrameReadWarning, open_frames
from sonar_debris.frames.aris import ArisRecording, ranges
from sonar_debris.frames.aris_format import BEAMS, FRAME_HEADER, beam_bearings, write_aris
from sonar_debris.frames.description import describe

FIELDS = {
    "sound_speed": 1480.0,
    "sample_start_delay": 2000,
    "sample_period": 10,
    "system": 1,
    "frame_time": 1_600_000_000_500_000,
    "heading": 90.0,
    "latitude": 48.0,
    "longitude": -4.0,
    "depth": 7.5,
}


def echoes(beams=48, samples=100, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (samples, beams), np.uint8)


def write(path, count=3, beams=48, samples=100, **fields):
    write_aris(path, ((echoes(beams, samples, k), FIELDS | fields) for k in range(count)))
    return path


@pytest.mark.parametrize("beams", sorted(set(BEAMS.values())))
def test_a_recording_is_read_as_it_was_written(tmp_path, beams):
    recording = ArisRecording(write(tmp_path / "a.aris", beams=beams))

    assert (len(recording), recording.beams, recording.samples, recording.trailing_bytes) == (3, beams, 100, 0)
    for index in range(3):
        np.testing.assert_array_equal(recording.echoes(index), echoes(beams, seed=index))
        header = recording.header(index)
        assert header["frame_index"] == index
        for name, value in FIELDS.items():
            assert header[name] == np.array(value, FRAME_HEADER[name])


def test_frames_have_time_range_and_position(tmp_path):
    first, *_ = open_frames(write(tmp_path / "a.aris"))

    assert (first.index, first.time) == (0, 1_600_000_000.5)
    assert first.image.dtype == np.float32 and 0 <= first.image.min() < first.image.max() <= 1
    assert first.image.shape == first.geometry.shape
    assert (first.geometry.min_range, first.geometry.max_range) == pytest.approx((1.48, 1.48 + 100 * 0.0074))
    assert (first.navigation.heading, first.navigation.depth) == (90.0, 7.5)
    assert first.navigation.located


@pytest.mark.parametrize("position", [{"latitude": 0, "longitude": 0}, {"latitude": np.nan}, {"latitude": 95}])
def test_a_sonar_without_a_valid_position_is_not_located(tmp_path, position):
    first, *_ = open_frames(write(tmp_path / "a.aris", **position))

    assert not first.navigation.located and first.navigation.heading == 90.0


def test_an_echo_lies_at_its_range_and_bearing(tmp_path):
    echoes = np.zeros((100, 96), np.uint8)
    echoes[60, 80] = 255  # beyond the middle in range, to the right
    write_aris(tmp_path / "a.aris", [(echoes, FIELDS)])

    (frame,) = open_frames(tmp_path / "a.aris")

    row, col = np.unravel_index(frame.image.argmax(), frame.image.shape)
    distance, bearing = frame.geometry.to_polar([col + 0.5, row + 0.5])
    assert distance == pytest.approx(1.48 + 60 * 0.0074, abs=0.01)
    assert bearing == pytest.approx(beam_bearings(96, False)[80], abs=0.2)


@pytest.mark.parametrize("cut", [1, 2000, 4800])
def test_truncated_recording_yields_complete_frames_and_a_warning(tmp_path, cut):
    path = write(tmp_path / "a.aris")
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.warns(
        FrameReadWarning, match="a.aris: truncated within frame 2; the frames before it are complete"
    ) as caught:
        frames = list(open_frames(path))

    assert [frame.index for frame in frames] == [0, 1]
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("begin", "content", "reason"),
    [
        (0, b"JPEG", "not an ARIS recording"),
        (1024 + 12, b"\0\0\0\0", "lacks its signature"),
        (1024 + 436, b"\x0d\0\0\0", "unknown ping mode 13"),
        (1024 + 484, b"\x09\0\0\0", "system 9"),
        (1024 + 468, b"\xff\xff\xff\xff", "4294967295 samples per beam"),
        (1024 + 464, b"\0\0\xc0\x7f", "sound speed nan"),
        (1024 + 452, b"\0\0\0\0", "sample step 0.0"),
        (1024 + 516, b"\0\0\0\0", "in the order of reception, not of beams; export it again"),
    ],
)
def test_a_damaged_or_inconsistent_header_is_an_error(tmp_path, begin, content, reason):
    path = write(tmp_path / "a.aris")
    data = bytearray(path.read_bytes())
    data[begin : begin + len(content)] = content
    path.write_bytes(data)

    with pytest.raises(FrameReadError, match=reason):
        list(open_frames(path))


@pytest.mark.parametrize("size", [1, 1023, 1024, 2047])
def test_a_file_without_a_complete_header_is_an_error(tmp_path, size):
    path = tmp_path / "a.aris"
    path.write_bytes(write(path).read_bytes()[:size])

    with pytest.raises(FrameReadError, match="truncated before its first frame"):
        list(open_frames(path))


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_recording_raises_only_frame_read_errors(tmp_path_factory, data):
    path = write(tmp_path_factory.mktemp("fuzz") / "a.aris", count=2, samples=10)
    content = bytearray(path.read_bytes()[: data.draw(st.integers(1, 5056))])
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    errors = []

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrameReadWarning)
        frames = list(open_frames(path, on_error=errors.append))

    assert all(np.isfinite(frame.image).all() for frame in frames)
    assert len(frames) <= 2 and all(str(error).startswith(str(path)) for error in errors)


def test_the_sample_of_the_maker_is_read(real_data):
    path = real_data.parent / "aris" / "sample.aris"
    if not path.is_file():
        pytest.skip(f"no ARIS sample: {path} is absent")
    recording = ArisRecording(path)
    header = recording.header(0)
    first, step = ranges(header)

    assert (len(recording), recording.beams, recording.samples) == (6, 48, 2000)
    assert (first, first + 2000 * step) == pytest.approx((3.298, 23.40), abs=0.005)
    assert (header["frame_rate"], header["heading"], header["system"]) == pytest.approx((6.55, 49.6, 2), abs=0.01)
    assert len(list(open_frames(path))) == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"heading": np.nan, "depth": np.inf},
        {"heading": 1e30},
        {"latitude": 48.0, "longitude": 1e300},
        {"latitude": np.inf, "longitude": np.nan},
        {"frame_rate": np.nan},
    ],
)
def test_values_without_sense_are_left_out(tmp_path, fields):
    path = write(tmp_path / "a.aris", **fields)

    first, *_ = open_frames(path)
    description = json.dumps(describe(path))

    values = [value for value in vars(first.navigation).values() if value is not None]
    assert np.isfinite(values).all()
    assert "NaN" not in description and "Infinity" not in description


@pytest.mark.parametrize("delay", [0, 2**31, 2**32 - 1])
@pytest.mark.parametrize("period", [1, 2**32 - 1])
def test_an_absurd_range_window_is_an_error_or_a_small_frame(tmp_path, delay, period):
    path = write(tmp_path / "a.aris", count=1, samples=10, sample_start_delay=delay, sample_period=period)
    errors = []

    frames = list(open_frames(path, errors.append))

    assert len(frames) + len(errors) == 1
    assert all(frame.image.size < 2**23 for frame in frames)


def test_a_recording_that_grows_is_read_to_the_end_that_it_had(tmp_path):
    path = write(tmp_path / "a.aris")
    data = path.read_bytes()
    frames = open_frames(path)
    next(frames)
    path.write_bytes(data + data[1024:])

    assert [frame.index for frame in frames] == [1, 2]


def test_a_recording_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    path = write(tmp_path / "a.aris")
    errors = []
    frames = open_frames(path, errors.append)
    next(frames)
    path.write_bytes(path.read_bytes()[:3000])

    assert list(frames) == []
    assert [error.index for error in errors] == [1, 2]


@pytest.mark.parametrize(
    ("system", "high_frequency", "sonar", "frequency"),
    [(0, 0, "ARIS 1800", 1.1), (1, 0, "ARIS 3000", 1.8), (1, 1, "ARIS 3000", 3.0), (2, 1, "ARIS 1200", 1.2)],
)
def test_sonar_and_frequency_are_those_of_the_header(system, high_frequency, sonar, frequency, tmp_path):
    fields = {**FIELDS, "system": system, "high_frequency": high_frequency}
    write_aris(tmp_path / "a.aris", [(np.ones((20, 48), np.uint8), fields)])

    (frame,) = open_frames(tmp_path / "a.aris")

    assert (frame.sonar, frame.frequency) == (sonar, frequency)
    assert describe(tmp_path / "a.aris")["frequency_mhz"] == frequency
