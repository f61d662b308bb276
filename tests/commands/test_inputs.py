import os
import shutil

import click
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.inputs import FrameRange, InputOptions, open_inputs, with_input_options
from sonar_debris.commands.main import main
from sonar_debris.detectors.model_folder import find_model
from sonar_debris.errors import FailureLog
from sonar_debris.frames import open_frames
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.frames.frame import ALL_FRAMES
from sonar_debris.frames.range_window import RangeWindow
from tests.videos import with_duration, without_duration


@pytest.mark.parametrize(
    "text, frames",
    [
        ("7", slice(7, 8, None)),
        ("0", slice(0, 1, None)),
        ("100-500", slice(100, 501, None)),
        ("100-500:5", slice(100, 501, 5)),
        ("100-", slice(100, None, None)),
        ("-500", slice(None, 501, None)),
        ("-:10", slice(None, None, 10)),
    ],
)
def test_range_of_frames_includes_both_ends(text, frames):
    assert FrameRange().convert(text, None, None) == frames


@pytest.mark.parametrize("text", ["", "-", "all", "1..5", "5:0", "1-5:0", "-1-5", "1,5", "１"])
def test_text_that_is_not_a_range_of_frames_is_refused(text):
    with pytest.raises(click.BadParameter):
        FrameRange().convert(text, None, None)


@pytest.mark.parametrize(
    "options, problem",
    [
        (["--fov", "30"], "--fov needs --range-max"),
        (["--apex", "3,4", "--crop", "1,2,3,4"], "--apex and --crop need --range-max"),
        (["--range-max", "9", "--apex", "3"], "is not X,Y"),
        (["--range-max", "9", "--apex", "3,nan"], "is not X,Y"),
        (["--range-max", "9", "--crop", "1,2,3"], "is not LEFT,TOP,RIGHT,BOTTOM"),
        (["--range-max", "9", "--crop", "1,2,3,-4"], "is not LEFT,TOP,RIGHT,BOTTOM"),
        (["--range-max", "9", "--crop", "3,2,3,4"], "LEFT less than RIGHT"),
        (["--heading-offset", "nan"], "--heading-offset"),
        (["--heading-offset", "400"], "--heading-offset"),
        (["--range-max", "9", "--range-min", "1"], "--range-min needs --fov"),
        (["--range-max", "1", "--range-min", "1", "--fov", "30"], "--range-max must be greater than --range-min"),
        (["--range-max", "nan"], "--range-max"),
        (["--frames", "x"], "not a range of frames"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(tmp_path, options, problem):
    np.save(tmp_path / "dive.npy", np.zeros((4, 9, 9)))

    result = CliRunner().invoke(main, ["convert", str(tmp_path / "dive.npy"), str(tmp_path / "out"), *options])

    assert result.exit_code == 2 and problem in result.output
    assert not (tmp_path / "out").exists()


def test_damaged_model_is_one_error_line(write_frame, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(find_model("single-pass"), model)
    for weights in model.glob("*.keras"):
        weights.write_bytes(weights.read_bytes()[:1000])

    result = CliRunner().invoke(
        main, ["detect", str(write_frame("1.png")), "-o", str(tmp_path / "out"), "--model", str(model)]
    )

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {model}") and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def convert(*words):
    return CliRunner().invoke(main, ["convert", *map(str, words)])


def test_a_video_of_unknown_length_is_converted(tmp_path):
    recording = tmp_path / "dive.mkv"
    np.save(tmp_path / "dive.npy", np.random.default_rng(0).random((8, 48, 64)))
    convert(tmp_path / "dive.npy", recording)
    (tmp_path / "geometry.json").unlink()
    without_duration(recording)

    result = convert(recording, tmp_path / "images")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"8 frames written to {tmp_path}/images, 0 failed\n"
    assert convert(recording, tmp_path / "some", "--frames", "5-").stdout.startswith("3 frames written")
    refused = convert(recording, tmp_path / "none", "--frames", "8-")
    assert (refused.exit_code, refused.stderr) == (2, "error: --frames: the inputs have no such frames\n")


def test_frames_beyond_an_estimate_that_is_too_low_are_converted(tmp_path):
    np.save(tmp_path / "dive.npy", np.random.default_rng(0).random((8, 48, 64)))
    convert(tmp_path / "dive.npy", tmp_path / "dive.mkv")
    with_duration(tmp_path / "dive.mkv", 0.1)

    assert convert(tmp_path / "dive.mkv", tmp_path / "images", "--frames", "6-").stdout.startswith("2 frames written")


def test_an_option_that_was_not_given_is_not_blamed_for_an_input_without_frames(tmp_path):
    np.save(tmp_path / "dive.npy", np.zeros((0, 48, 64)))

    result = convert(tmp_path / "dive.npy", tmp_path / "images")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path}/dive.npy: ") and len(result.stderr.splitlines()) == 1
    assert "holds no frames" in result.stderr and "--frames" not in result.stderr


def test_an_input_whose_reader_yields_no_frames_is_a_failure(tmp_path, monkeypatch):
    (tmp_path / "dive.npy").write_bytes(b"x")
    monkeypatch.setattr("sonar_debris.frames.open_frames", lambda *arguments: iter(()))
    failures = FailureLog()

    frames, _ = open_inputs([str(tmp_path / "dive.npy")], failures, InputOptions(ALL_FRAMES, None))

    assert list(frames) == [] and failures.entries == [(f"{tmp_path}/dive.npy", "it holds no frames")]


def test_an_absurd_number_of_frames_is_one_error_line(tmp_path):
    np.save(tmp_path / "dive.npy", np.zeros((2, 4, 5), np.uint8))
    data = (tmp_path / "dive.npy").read_bytes()
    (tmp_path / "dive.npy").write_bytes(data.replace(b"(2, 4, 5), }" + b" " * 29, b"(1" + b"0" * 29 + b", 4, 5), }"))

    result = convert(tmp_path / "dive.npy", tmp_path / "images")

    assert result.exit_code == 1
    assert result.stderr.count("error: ") == 1 and "truncated within frame 2 of 1000" in result.stderr


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "dive.png")

    result = convert(tmp_path / "dive.png", tmp_path / "images")

    assert (result.exit_code, result.stderr) == (2, f"error: {tmp_path}/dive.png: not a regular file\n")


def test_mirror_reverses_image_and_bearings(tmp_path):
    echoes = np.zeros((200, 48), np.uint8)
    echoes[80:90, 40:44] = 200
    fields = {"sound_speed": 1500, "sample_start_delay": 4000, "sample_period": 10, "large_lens": 1}
    write_aris(tmp_path / "dive.aris", [(echoes, fields)])

    convert(tmp_path / "dive.aris", tmp_path / "plain")
    convert(tmp_path / "dive.aris", tmp_path / "mirrored", "--mirror")

    (plain,), (mirrored,) = open_frames(tmp_path / "plain"), open_frames(tmp_path / "mirrored")
    assert np.array_equal(plain.image, mirrored.image[:, ::-1])
    y, x = np.argwhere(plain.image > 0.5).mean(axis=0) + 0.5
    polar = plain.geometry.to_polar([x, y])
    width = plain.image.shape[1]
    assert abs(polar[1]) > 3 and mirrored.geometry.to_polar([width - x, y]) == pytest.approx(polar * [1, -1])


def test_apex_crop_and_heading_offset_reach_the_command():
    received = []

    @click.command()
    @with_input_options
    def command(input_options):
        received.append(input_options)

    options = ["--range-max", "10", "--fov", "29", "--apex", "160,602.5", "--crop", "0,60,320,460"]
    result = CliRunner().invoke(command, [*options, "--heading-offset", "-3.5"])

    assert result.exit_code == 0
    assert received[0].window == RangeWindow(10.0, 0.0, 29.0, (160.0, 602.5), (0, 60, 320, 460))
    assert received[0].selection.heading_offset == -3.5
