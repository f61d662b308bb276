import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.convert import frame_without_image
from sonar_debris.commands.main import main
from sonar_debris.frames import open_frames
from sonar_debris.frames.aris_format import write_aris

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 4000, "sample_period": 10, "heading": 33.0}


@pytest.fixture
def recording(tmp_path):
    frames = (
        (np.random.default_rng(k).integers(0, 200, (200, 96), np.uint8), FIELDS | {"frame_time": k * 10**6})
        for k in range(3)
    )
    write_aris(tmp_path / "dive.aris", frames)
    return tmp_path / "dive.aris"


def run(*words):
    return CliRunner().invoke(main, ["convert", *map(str, words)])


@pytest.mark.parametrize("target", ["images", "video/dive.mkv", "video/dive.mp4"])
def test_frames_keep_what_is_known_of_them(recording, tmp_path, target):
    result = run(recording, tmp_path / target)

    assert result.exit_code == 0, result.output
    assert result.stdout == f"3 frames in {tmp_path}/{target}, 0 failed\n"
    before, after = list(open_frames(recording)), list(open_frames(tmp_path / target))
    assert len(after) == 3
    for one, other in zip(before, after, strict=True):
        assert (other.geometry, other.navigation, other.time) == (one.geometry, one.navigation, one.time)
        rows, cols = one.image.shape
        assert np.abs(other.image[:rows, :cols] - one.image).max() * 255 <= 0.5 + 1e-3  # rounding to bytes


def test_frames_of_several_sizes_make_no_video(tmp_path):
    np.savez(tmp_path / "dive.npz", a=np.zeros((20, 30)), b=np.zeros((30, 20)))

    result = run(tmp_path / "dive.npz", tmp_path / "dive.mp4")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path}/dive.mp4: the frames of a video are of one size")


def test_chosen_frames_only_and_the_damaged_named(recording, tmp_path):
    data = bytearray(recording.read_bytes())
    data[1024 + 1024 + 96 * 200 + 12] = 0  # the signature of the second frame
    recording.write_bytes(data[:-10])

    result = run(recording, tmp_path / "images")

    assert result.exit_code == 1
    assert result.stdout == f"1 frames in {tmp_path}/images, 1 failed\n"
    assert f"error: {recording}: frame 1: a frame header is damaged" in result.stderr
    assert f"warning: {recording}: cut off within frame 2; the 2 before it are whole" in result.stderr


def test_frames_that_there_are_not(recording, tmp_path):
    result = run(recording, tmp_path / "images", "--frames", "7-")

    assert (result.exit_code, result.stderr) == (2, "error: --frames: the inputs have no such frames\n")
    assert not (tmp_path / "images").exists()


def test_nothing_to_open(tmp_path):
    (tmp_path / "dive.oculus").write_bytes(b"x")

    assert run(tmp_path / "dive.oculus", tmp_path / "images").exit_code == 2


def test_what_is_kept_of_a_frame_does_not_keep_its_image(recording):
    assert frame_without_image(next(open_frames(recording))).image.base is None
