import click
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.inputs import FrameRange
from sonar_debris.commands.main import main


@pytest.mark.parametrize(
    "words, chosen",
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
def test_ranges_of_frames(words, chosen):
    assert FrameRange().convert(words, None, None) == chosen


@pytest.mark.parametrize("words", ["", "-", "all", "1..5", "5:0", "1-5:0", "-1-5", "1,5", "１"])
def test_no_ranges_of_frames(words):
    with pytest.raises(click.BadParameter):
        print(FrameRange().convert(words, None, None))


@pytest.mark.parametrize(
    "options, problem",
    [
        (["--fov", "30"], "--range-min and --fov go with --range-max"),
        (["--range-max", "9", "--range-min", "1"], "--range-min goes with --fov"),
        (["--range-max", "1", "--range-min", "1", "--fov", "30"], "--range-max must be more than --range-min"),
        (["--range-max", "nan"], "--range-max"),
        (["--frames", "x"], "no range of frames"),
    ],
)
def test_options_that_do_not_fit(tmp_path, options, problem):
    np.save(tmp_path / "dive.npy", np.zeros((4, 9, 9)))

    result = CliRunner().invoke(main, ["convert", str(tmp_path / "dive.npy"), str(tmp_path / "out"), *options])

    assert result.exit_code == 2 and problem in result.output
    assert not (tmp_path / "out").exists()
