import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

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
def test_frames_keep_geometry_navigation_and_time(recording, tmp_path, target):
    result = run(recording, tmp_path / target)

    assert result.exit_code == 0, result.output
    assert result.stdout == f"3 frames written to {tmp_path}/{target}, 0 failed\n"
    before, after = list(open_frames(recording)), list(open_frames(tmp_path / target))
    assert len(after) == 3
    for original, converted in zip(before, after, strict=True):
        assert (converted.geometry, converted.navigation) == (original.geometry, original.navigation)
        assert converted.time == original.time
        rows, cols = original.image.shape
        assert np.abs(converted.image[:rows, :cols] - original.image).max() * 255 <= 0.5 + 1e-3  # rounding to bytes


def test_frames_of_different_sizes_make_no_video(tmp_path):
    np.savez(tmp_path / "dive.npz", a=np.zeros((20, 30)), b=np.zeros((30, 20)))

    result = run(tmp_path / "dive.npz", tmp_path / "dive.mp4")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path}/dive.mp4: the frames of a video must have the same size")


def test_damaged_frames_are_reported_and_the_others_converted(recording, tmp_path):
    data = bytearray(recording.read_bytes())
    data[1024 + 1024 + 96 * 200 + 12] = 0  # the signature of the second frame
    recording.write_bytes(data[:-10])

    result = run(recording, tmp_path / "images")

    assert result.exit_code == 1
    assert result.stdout == f"1 frame written to {tmp_path}/images, 1 failed\n"
    assert f"error: {recording}: frame 1: a frame header is damaged" in result.stderr
    assert f"warning: {recording}: truncated within frame 2; the frames before it are complete" in result.stderr


def test_selection_without_frames_is_refused(recording, tmp_path):
    result = run(recording, tmp_path / "images", "--frames", "7-")

    assert (result.exit_code, result.stderr) == (2, "error: --frames: the inputs have no such frames\n")
    assert not (tmp_path / "images").exists()


def test_unknown_format_is_refused(tmp_path):
    (tmp_path / "dive.oculus").write_bytes(b"x")

    assert run(tmp_path / "dive.oculus", tmp_path / "images").exit_code == 2


def test_a_used_folder_holds_no_frames_of_the_earlier_conversion(tmp_path):
    for name, frames in (("long", 5), ("short", 2)):
        np.save(tmp_path / f"{name}.npy", np.full((frames, 12, 10), 90, np.uint8))
    out = tmp_path / "out"
    assert CliRunner().invoke(main, ["convert", str(tmp_path / "long.npy"), str(out)]).exit_code == 0
    cv2.imwrite(str(out / "frame-mine.png"), np.zeros((2, 2), np.uint8))

    assert CliRunner().invoke(main, ["convert", str(tmp_path / "short.npy"), str(out)]).exit_code == 0

    assert {path.name for path in out.glob("*.png")} == {"frame-000000.png", "frame-000001.png", "frame-mine.png"}
    assert len(json.loads((out / "geometry.json").read_text())["files"]) == 2


def test_two_videos_in_one_folder_keep_their_metadata(tmp_path):
    np.save(tmp_path / "dive.npy", np.full((2, 12, 10), 90, np.uint8))

    for name in ("a.mkv", "b.mkv"):
        assert CliRunner().invoke(main, ["convert", str(tmp_path / "dive.npy"), str(tmp_path / name)]).exit_code == 0

    assert set(json.loads((tmp_path / "geometry.json").read_text())["files"]) == {"a.mkv", "b.mkv"}
