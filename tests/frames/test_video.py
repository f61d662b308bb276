import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, FrameReadWarning, open_frames


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
