import shutil

import click
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.inputs import FrameRange
from sonar_debris.commands.main import main
from sonar_debris.detectors.model_folder import find_model


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
        (["--fov", "30"], "--range-min and --fov need --range-max"),
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
