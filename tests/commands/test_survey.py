import json
import os
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.survey.records import DetectionKey
from sonar_debris.survey.store import SurveyStore
from tests.fakes import BrightSpots

DETECTIONS = """
SELECT name, position, rank, class, score, x FROM detection JOIN source ON source.id = source ORDER BY 1, 2, 3
"""


@pytest.fixture
def recording(tmp_path):
    """Twelve frames in a file, one of them with an infinite value."""
    frames = np.random.default_rng(0).uniform(0, 0.9, (12, 40, 50)).astype(np.float32)
    frames[7, 0, 0] = np.inf
    np.save(tmp_path / "dive.npy", frames)
    return tmp_path / "dive.npy"


@pytest.fixture
def bright_spots(monkeypatch):
    """Make the command load a BrightSpots detector."""
    monkeypatch.setattr(
        "sonar_debris.detectors.base.DebrisDetector.from_pretrained", lambda model, min_score: BrightSpots()
    )


def run(*words):
    return CliRunner().invoke(main, ["survey", *map(str, words)])


def query(folder, sql):
    database = sqlite3.connect(folder / "survey.sqlite")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def test_a_survey_and_its_summary(recording, tmp_path, bright_spots):
    result = run("run", recording, "-o", tmp_path / "night", "--progress", "json")

    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("12 frames processed, 1 failures, ") and f"see {tmp_path}/night" in result.stdout
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [line["done"] for line in lines] == [
        9,
        12,
    ]  # one line per batch of eight; the failed frame is counted with the first
    assert (lines[-1]["total"], lines[-1]["failures"], lines[-1]["seconds_left"]) == (12, 1, 0)
    assert lines[-1]["detections"] == len(query(tmp_path / "night", DETECTIONS))
    failures = (tmp_path / "night" / "failures.csv").read_text().splitlines()
    assert failures[1].startswith(f'{recording},7,"the image holds infinite values')
    assert result.stderr.splitlines()[-1].startswith(f"error: {recording}: frame 7: the image holds infinite values")
    assert (
        "12 frames of 1 files; damaged or not readable: 0 files, 1 frames" in run("summary", tmp_path / "night").stdout
    )


def test_the_same_command_again_changes_nothing(recording, tmp_path, bright_spots):
    results = [run("run", recording, "-o", tmp_path / "night") for _ in range(2)]

    assert results[0].stdout == results[1].stdout and results[1].exit_code == 1


def test_other_settings_are_refused_without_overwrite(recording, tmp_path, bright_spots, monkeypatch):
    run("run", recording, "-o", tmp_path / "night")
    monkeypatch.setattr(BrightSpots, "min_score", 0.7)

    refused = run("run", recording, "-o", tmp_path / "night")
    assert refused.exit_code == 2
    assert "holds a survey with other settings (min_score: 0.2 → 0.7)" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert run("run", recording, "-o", tmp_path / "night", "--overwrite").exit_code == 1


@pytest.fixture
def reviewed(recording, tmp_path, bright_spots):
    """A survey with two decisions on one detection, and one on another."""
    run("run", recording, "-o", tmp_path / "night")
    with SurveyStore(tmp_path / "night") as store:
        for position, verdict in ((0, "accepted"), (0, "rejected"), (1, "accepted")):
            store.decide(DetectionKey(1, position, 0), verdict, "can")
    return tmp_path / "night"


def test_decisions_are_removed_only_with_yes(recording, reviewed):
    refused = run("run", recording, "-o", reviewed, "--overwrite")

    assert refused.exit_code == 2
    assert f"{reviewed}: --overwrite removes 2 decisions made in review; add --yes" in refused.stderr
    assert len(query(reviewed, "SELECT * FROM decision")) == 3
    overwritten = run("run", recording, "-o", reviewed, "--overwrite", "--yes")
    assert overwritten.exit_code == 1
    assert f"note: {reviewed}: --overwrite removes 2 decisions made in review" in overwritten.stderr
    assert query(reviewed, "SELECT * FROM decision") == []


def test_a_database_whose_decisions_cannot_be_counted_is_removed_only_with_yes(recording, reviewed):
    (reviewed / "survey.sqlite").write_bytes(b"not SQLite" * 1000)

    refused = run("run", recording, "-o", reviewed, "--overwrite")
    assert refused.exit_code == 2 and "cannot be counted" in refused.stderr
    assert run("run", recording, "-o", reviewed, "--overwrite", "--yes").exit_code == 1


def test_overwrite_removes_only_files_of_a_survey(recording, tmp_path, bright_spots):
    mine = tmp_path / "mine"
    (mine / "report").mkdir(parents=True)
    (mine / "report" / "thesis.txt").write_text("precious")
    assert run("run", recording, "-o", mine, "--overwrite").exit_code == 1
    assert run("run", recording, "-o", mine, "--overwrite").exit_code == 1
    assert (mine / "report" / "thesis.txt").read_text() == "precious"

    run("report", mine)
    (mine / "report" / "frames" / "notes.txt").write_text("mine")
    assert run("run", recording, "-o", mine, "--overwrite").exit_code == 1

    kept = {str(path.relative_to(mine)) for path in (mine / "report").rglob("*") if path.is_file()}
    assert kept == {"report/thesis.txt", "report/frames/notes.txt"}


@pytest.mark.parametrize("name", ["manifest.json", "failures.csv"])
def test_files_of_other_programs_are_not_replaced(recording, tmp_path, bright_spots, name):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / name).write_text("mine")

    result = run("run", recording, "-o", tmp_path / "night", "--overwrite")

    assert result.exit_code == 2 and f"{tmp_path}/night/{name}: not " in result.stderr
    assert (tmp_path / "night" / name).read_text() == "mine" and not (tmp_path / "night" / "survey.sqlite").exists()


def test_empty_inputs_are_named(recording, tmp_path, bright_spots):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hi")
    inputs = (tmp_path / "empty", tmp_path / "notes.txt", recording)

    result = run("run", *inputs, "-o", tmp_path / "night", "--frames", "0-2")

    assert result.exit_code == 1 and result.stdout.startswith("3 frames processed, 0 failures")
    assert f"error: {tmp_path}/empty: the folder holds no frames" in result.stderr
    assert f"error: {tmp_path}/notes.txt: not a file of frames" in result.stderr


def test_a_long_list_of_failures_is_cut(tmp_path, bright_spots):
    (tmp_path / "dive").mkdir()
    for number in range(25):
        (tmp_path / "dive" / f"{number:02d}.png").write_bytes(b"no image")
    np.save(tmp_path / "dive" / "good.npy", np.full((3, 40, 50), 0.2, np.float32))

    result = run("run", tmp_path / "dive", "-o", tmp_path / "night")

    assert result.exit_code == 1 and result.stderr.count("error: ") == 21
    assert f"error: and 5 more failures; see {tmp_path}/night/failures.csv" in result.stderr


def test_only_selected_frames_are_processed(recording, tmp_path, bright_spots):
    result = run("run", recording, "-o", tmp_path / "night", "--frames", "2-6:2")

    assert result.exit_code == 0 and result.stdout.startswith("3 frames processed")
    assert sorted({position for _, position, *_ in query(tmp_path / "night", DETECTIONS)}) == [2, 4, 6]


def test_a_missing_input_is_an_error(tmp_path, bright_spots):
    result = run("run", tmp_path / "gone", "-o", tmp_path / "night")

    assert result.exit_code == 2 and "gone: no such file or folder" in result.stderr
    assert not (tmp_path / "night").exists()


def test_workers_and_scheduler_exclude_each_other(recording, tmp_path):
    result = run("run", recording, "-o", tmp_path / "night", "--workers", 2, "--scheduler", "tcp://host:8786")

    assert result.exit_code == 2 and "--workers and --scheduler exclude each other" in result.stderr


def test_a_folder_without_a_survey_has_no_summary(tmp_path):
    assert run("summary", tmp_path).exit_code == 2


SLOW_SURVEY = """
import resource, sys, time
limit = int(sys.argv.pop(1))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from sonar_debris.detectors.base import DebrisDetector
from tests.fakes import BrightSpots
class Slow(BrightSpots):
    def detect_batch(self, frames):
        time.sleep(0 if limit else 0.15)
        return super().detect_batch(frames)
DebrisDetector.from_pretrained = lambda model, min_score: Slow()
from sonar_debris.commands.main import main
main(sys.argv[1:])
"""


def start_slow_survey(recording, folder, file_size_limit=0):
    words = ["survey", "run", str(recording), "-o", str(folder), "--batch-size", "1", "--progress", "json"]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_SURVEY, str(file_size_limit), *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_survey_resumes_where_it_stopped(recording, tmp_path, bright_spots, signal_number):
    run("run", recording, "-o", tmp_path / "uninterrupted", "--batch-size", 1)
    process = start_slow_survey(recording, tmp_path / "night")
    while '"done": 3' not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal_number)
    last_line = process.communicate(timeout=60)[1].splitlines()[-1:]
    if signal_number == signal.SIGKILL:
        assert process.returncode == -9
    else:
        assert process.returncode == 128 + signal_number
        assert last_line[0].endswith("run the same command again to resume")
    ((frames,),) = query(tmp_path / "night", "SELECT COUNT(*) FROM frame")
    assert 3 <= frames < 12

    assert run("run", recording, "-o", tmp_path / "night", "--batch-size", 1).exit_code == 1

    assert query(tmp_path / "night", DETECTIONS) == query(tmp_path / "uninterrupted", DETECTIONS)
    assert query(tmp_path / "night", "PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_is_reported_in_one_line_and_the_survey_can_be_resumed(recording, tmp_path, bright_spots):
    run("run", recording, "-o", tmp_path / "uninterrupted", "--batch-size", 1)

    process = start_slow_survey(recording, tmp_path / "night", file_size_limit=120_000)
    last_line = process.communicate(timeout=60)[1].splitlines()[-1]

    assert process.returncode == 2
    assert last_line.startswith(f"error: {tmp_path}/night/survey.sqlite: ")
    assert last_line.endswith("; solve that problem and run the same command again to resume the survey")
    assert run("run", recording, "-o", tmp_path / "night", "--batch-size", 1).exit_code == 1
    assert query(tmp_path / "night", DETECTIONS) == query(tmp_path / "uninterrupted", DETECTIONS)
