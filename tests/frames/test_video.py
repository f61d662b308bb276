import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames import FrameReadError, FrameReadWarning, FrameSelection, open_frames
from sonar_debris.frames.description import describe
from sonar_debris.frames.loader import count_frames
from sonar_debris.frames.readers import find_format
from sonar_debris.frames.video import _next_time, inspect_container
from tests.videos import with_duration, without_duration


def write(path, codec="FFV1", count=5):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 10, (64, 48))
    for value in range(count):
        video.write(np.full((48, 64, 3), 40 * value % 256, np.uint8))
    video.release()
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "mp4v"), (".avi", "MJPG"), (".avi", "FFV1"), (".mkv", "FFV1"), (".mov", "mp4v")]
)
def test_frames_are_read_in_order_with_their_times(tmp_path, suffix, codec):
    frames = list(open_frames(write(tmp_path / f"dive{suffix}", codec)))

    assert [frame.index for frame in frames] == list(range(5))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert [frame.image.shape for frame in frames] == [(48, 64)] * 5
    np.testing.assert_allclose([frame.image.mean() * 255 for frame in frames], range(0, 200, 40), atol=5)


def test_the_pixels_of_a_lossless_video_are_kept(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    video = cv2.VideoWriter(str(tmp_path / "dive.avi"), cv2.VideoWriter_fourcc(*"FFV1"), 10, (64, 48))
    video.write(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    video.release()

    (frame,) = open_frames(tmp_path / "dive.avi")

    np.testing.assert_allclose(frame.image * 255, pixels, atol=2)


@pytest.mark.parametrize("content", [b"no video", b"\0\0\0\x18ftypmp42" + bytes(200)])
def test_a_file_that_is_not_a_video_is_an_error(tmp_path, content, capfd):
    (tmp_path / "dive.mp4").write_bytes(content)

    with pytest.raises(FrameReadError, match="not a video that can be read here"):
        list(open_frames(tmp_path / "dive.mp4"))
    assert capfd.readouterr().err.count("\n") <= 1


def test_truncated_video_yields_its_frames_and_a_warning(tmp_path):
    path = write(tmp_path / "dive.mkv", count=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])

    with pytest.warns(FrameReadWarning, match=r"dive.mkv: ends after \d+ of 200 frames"):
        frames = list(open_frames(path))

    assert 50 < len(frames) < 200


def test_damaged_videos_print_nothing_in_a_fresh_process(tmp_path):
    truncated = write(tmp_path / "dive.mkv", count=200)
    truncated.write_bytes(truncated.read_bytes()[: truncated.stat().st_size * 6 // 10])
    (tmp_path / "no-video.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    code = (
        "import os, sys, warnings; from sonar_debris.frames import open_frames; warnings.simplefilter('ignore');"
        "print(len(list(open_frames(sys.argv[1], print))), 'OPENCV_FFMPEG_LOGLEVEL' in os.environ)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENCV_FFMPEG_LOGLEVEL"}

    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, env=environment, check=True
    )

    assert done.stderr == ""
    assert done.stdout.startswith("no-video.mp4: not a video") and done.stdout.endswith(" False\n")


def without_riff_size(path):
    """Change an AVI file to one that was written to a pipe, or whose recorder was killed."""
    data = bytearray(path.read_bytes())
    data[4:8] = b"\xff" * 4
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: without_duration(write(folder / "dive.mkv", count=8)),
        lambda folder: without_riff_size(write(folder / "dive.avi", "MJPG", count=8)),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_video_whose_header_has_no_number_of_frames_is_read_whole(tmp_path, make):
    path = make(tmp_path)

    assert [frame.index for frame in open_frames(path)] == list(range(8))
    assert find_format(path).count(path) is None
    assert "frames" not in describe(path)


def test_the_description_leaves_out_what_the_header_of_a_video_does_not_have(tmp_path):
    path = without_duration(write(tmp_path / "dive.mkv", count=8))

    assert describe(path) == {
        "file": str(path), "format": "video", "frame_rate_hz": 10.0, "rows": 48, "cols": 64
    }  # fmt: skip
    assert count_frames(path) is None


@pytest.mark.parametrize("seconds", [0.1, 60])
@pytest.mark.filterwarnings("error")
def test_a_wrong_estimate_neither_cuts_a_video_nor_calls_it_truncated(tmp_path, seconds):
    path = with_duration(write(tmp_path / "dive.mkv", count=8), seconds)

    assert len(list(open_frames(path))) == 8
    description = describe(path)
    assert "frames" not in description and description["frames_estimated"] == count_frames(path) == seconds * 10


@pytest.mark.parametrize("suffix, codec", [(".mp4", "mp4v"), (".avi", "MJPG")])
def test_the_number_of_frames_in_a_header_is_described(tmp_path, suffix, codec):
    description = describe(write(tmp_path / f"dive{suffix}", codec, count=8))

    assert (description["frames"], description["frame_rate_hz"], description["duration_s"]) == (8, 10.0, 0.8)


def test_frames_behind_videos_of_unknown_length_are_selected_by_what_is_read(tmp_path):
    with_duration(write(tmp_path / "1.mkv", count=8), 60)
    without_duration(write(tmp_path / "2.mkv", count=8))
    write(tmp_path / "3.mkv", count=8)
    selection = FrameSelection(slice(6, 20, 4))

    frames = open_frames(tmp_path, selection=selection)

    assert [(frame.name, frame.index) for frame in frames] == [("1.mkv", 6), ("2.mkv", 2), ("2.mkv", 6), ("3.mkv", 2)]
    assert count_frames(tmp_path, selection) is None


@pytest.mark.parametrize("suffix, codec", [(".avi", "MJPG"), (".mkv", "FFV1")])
def test_a_truncated_video_is_reported_only_if_its_end_was_selected(tmp_path, suffix, codec, recwarn):
    path = write(tmp_path / f"dive{suffix}", codec, count=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])

    assert len(list(open_frames(path, selection=FrameSelection(slice(5, 20))))) == 15
    assert not recwarn
    with pytest.warns(FrameReadWarning, match=r"ends after \d+ of 200 frames"):
        assert list(open_frames(path, selection=FrameSelection(slice(199, None)))) == []


def mp4_box(kind, size):
    return size.to_bytes(4, "big") + kind + bytes(size - 8)


@pytest.mark.parametrize(
    ("content", "is_truncated", "has_count"),
    [
        (mp4_box(b"ftyp", 16) + mp4_box(b"moov", 40) + mp4_box(b"mdat", 80), False, True),
        (mp4_box(b"ftyp", 16) + mp4_box(b"moov", 40) + mp4_box(b"mdat", 80)[:-1], True, False),
        (mp4_box(b"ftyp", 16) + mp4_box(b"moov", 40) + mp4_box(b"moof", 24) + mp4_box(b"mdat", 80), False, False),
        (mp4_box(b"ftyp", 16) + b"\0\0\0\1mdat" + (40).to_bytes(8, "big") + bytes(24), False, True),
        (mp4_box(b"ftyp", 16) + b"\0\0\0\0mdat" + bytes(24), False, True),
        (b"RIFF" + (40).to_bytes(4, "little") + b"AVI " + bytes(36), False, True),
        (b"RIFF" + (40).to_bytes(4, "little") + b"AVI " + bytes(30), True, False),
        (b"RIFF" + bytes(4) + b"AVI " + bytes(30), False, False),
        (b"\x1a\x45\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67\x90" + bytes(16), False, False),
        (b"\x1a\x45\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67\x90" + bytes(15), True, False),
        (b"\x1a\x45\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67\xff" + bytes(3), False, False),
        (b"\x1a\x45\xdf\xa3", False, False),
        (b"", False, False),
    ],
)
def test_the_structure_of_a_container_says_whether_it_is_complete(tmp_path, content, is_truncated, has_count):
    (tmp_path / "dive").write_bytes(content)

    assert inspect_container(tmp_path / "dive") == (is_truncated, has_count)


@given(
    start=st.sampled_from([b"\0\0\0\x10ftyp", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3"]), rest=st.binary(max_size=80)
)
@settings(max_examples=100, derandomize=True)
def test_any_content_of_a_container_is_inspected(start, rest):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "dive").write_bytes(start + rest)
        inspect_container(Path(folder, "dive"))


@pytest.mark.parametrize(
    ("milliseconds", "rate", "expected"),
    [
        ([0, 40, 80], 25, [0, 0.04, 0.08]),
        ([80, 120, 0, 0], 25, [0.08, 0.12, 0.16, 0.2]),  # an AVI with frames that are predicted from later ones
        ([0, 0], 0, [0, 0]),
    ],
)
def test_frames_without_a_time_follow_the_one_before_them(milliseconds, rate, expected):
    time, times = -1.0, []
    for value in milliseconds:
        position = {cv2.CAP_PROP_POS_MSEC: value, cv2.CAP_PROP_FPS: rate}
        time = _next_time(SimpleNamespace(get=position.get), time)
        times.append(time)

    assert times == pytest.approx(expected)
