"""One simulated survey in four formats gives the same detections at the same positions."""

import csv

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("rosbags", reason="the extra ros is not installed")

from sonar_debris.commands.main import main
from sonar_debris.frames.aris import ArisRecording, ranges
from sonar_debris.frames.aris_format import beam_bearings
from tests.ros_bags import projected, typestore, write_bag


def run(*words):
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result


def as_bag(path, folder):
    recording, store, messages = ArisRecording(path), typestore(), []
    for index in range(len(recording)):
        first, step = ranges(recording.header(index))
        distances = first + step * np.arange(recording.samples)
        time = int(recording.header(index)["frame_time"]) / 1e6
        bearings = beam_bearings(recording.beams, False)
        messages.append(projected(store, recording.echoes(index), bearings, distances, time))
    return write_bag(folder, {"/sonar": messages})


@pytest.fixture(scope="module")
def rows_by_format(tmp_path_factory):
    """The rows of detections.csv, by format."""
    folder = tmp_path_factory.mktemp("survey")
    run("simulate", "-o", folder, "--frames", 3, "--seed", 5, "--format", "aris")
    survey = folder / "survey.aris"
    run("convert", survey, folder / "png")
    run("convert", survey, folder / "video" / "survey.mp4")
    paths = {
        "aris": survey,
        "png": folder / "png",
        "mp4": folder / "video" / "survey.mp4",
        "bag": as_bag(survey, folder / "bag"),
    }
    rows = {}
    for name, path in paths.items():
        # One score equals the model's own threshold; there, rounding in the video would decide.
        run("detect", path, "-o", folder / f"detections-{name}", "--no-images", "--min-score", 0.5)
        with (folder / f"detections-{name}" / "detections.csv").open(newline="") as table:
            rows[name] = list(csv.DictReader(table))
    return rows


def numbers(rows, *keys):
    return np.array([[float(row[key]) for key in keys] for row in rows])


@pytest.mark.parametrize("name", ["png", "mp4", "bag"])
def test_each_format_gives_the_same_detections(rows_by_format, name):
    rows, expected = rows_by_format[name], rows_by_format["aris"]

    assert len(expected) >= 3
    assert [row["class"] for row in rows] == [row["class"] for row in expected]
    # Two pixels, or 1 % of a side: a wall as wide as the fan is among the boxes.
    assert numbers(rows, "x", "y", "w", "h") == pytest.approx(numbers(expected, "x", "y", "w", "h"), abs=2, rel=0.01)
    assert numbers(rows, "range_m") == pytest.approx(numbers(expected, "range_m"), rel=0.01)
    # 0.3 degrees are 1 % of the field of view of 30 degrees.
    assert numbers(rows, "bearing_deg") == pytest.approx(numbers(expected, "bearing_deg"), abs=0.3)
    assert [row["time"] for row in rows] == [row["time"] for row in expected]
