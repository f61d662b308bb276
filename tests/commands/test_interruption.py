"""Ctrl-C and SIGTERM end every long command alike: soon, with what was done so far, and with a line on how to go on."""

import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.frames import open_frames

# For each command a function that it calls, and its arguments; the images are those of the folder ``dive``.
COMMANDS = {
    "convert": ("sonar_debris.outputs.frame_writers.convert_frames", ["convert", "dive", "out"]),
    "detect": ("sonar_debris.detectors.batch_detection.detect_to_folder", ["detect", "dive", "-o", "out"]),
    "info": ("sonar_debris.frames.description.describe", ["info", "dive/0.png"]),
    "simulate": ("sonar_debris.simulator.ground_truth.simulate", ["simulate", "-o", "out"]),
    "evaluate": (
        "sonar_debris.commands.data_options.find_data",
        ["evaluate", "detections", "--fold", "0", "--data", "dive"],
    ),
    "reproduce": ("sonar_debris.commands.reproduce._run_study", ["reproduce", "all", "-o", "out", "--data", "dive"]),
    "survey run": ("sonar_debris.survey.run.run_survey", ["survey", "run", "dive", "-o", "out"]),
    "survey report": ("sonar_debris.survey.store.open_survey", ["survey", "report", "dive"]),
    "survey export": (
        "sonar_debris.commands.survey.review.export_survey",
        ["survey", "export", "dive", "--format", "csv"],
    ),
    "survey learn": ("sonar_debris.survey.learning.learn_survey", ["survey", "learn", "dive", "-o", "out"]),
    "train detector": (
        "sonar_debris.commands.train_detector._user_data",
        ["train", "detector", "--images", "dive", "--labels", "dive", "-o", "out"],
    ),
}


@pytest.fixture
def dive(tmp_path, monkeypatch, fake_detector):
    folder = tmp_path / "dive"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((12, 10), 90 + number, np.uint8))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sonar_debris.commands.reproduce.find_data", lambda data: data)
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_ends_a_command_with_130_and_one_line(name, dive, monkeypatch):
    target, words = COMMANDS[name]

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(target, interrupt)
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 130, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("interrupted; ")]
    assert line.count(";") >= 1 and "Traceback" not in result.output


def test_an_interrupted_conversion_keeps_its_frames(dive, monkeypatch):
    seen = []

    def interrupted(*arguments, **options):
        for frame in open_frames(*arguments, **options):
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(frame)
            yield frame

    from sonar_debris.outputs.frame_writers import convert_frames

    for output in (dive.parent / "images", dive.parent / "video.mkv"):
        seen.clear()
        with pytest.raises(KeyboardInterrupt):
            convert_frames(interrupted(dive), output)
        assert len(list(open_frames(output))) == 2
    assert (dive.parent / "images" / "geometry.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_simulation_without_partial_files(tmp_path, number, code):
    words = ["simulate", "--frames", "100000", "--format", "aris", "-o", str(tmp_path / "out")]
    program = "from sonar_debris.commands.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
        # A shell lets the programs that it runs in the background ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            while not list((tmp_path / "out").glob("*")) and process.poll() is None:
                time.sleep(0.05)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == code and stderr.startswith(b"interrupted; ")
    assert list((tmp_path / "out").iterdir()) == []
