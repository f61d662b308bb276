"""Runs that are killed, run out of space, meet each other, or whose inputs and clock change."""

import signal
import sqlite3
import time

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from tests.fakes import BrightSpots

TABLES = {"frame": "source, position", "detection": "source, position, rank", "object": "id", "sighting": "1, 2, 3"}


@pytest.fixture
def run(recording, monkeypatch):
    """A function that runs the survey of the recording in this process."""
    monkeypatch.setattr(
        "sonar_debris.detectors.base.DebrisDetector.from_pretrained", lambda model, min_score: BrightSpots()
    )

    def run_survey(folder, *words):
        return CliRunner().invoke(
            main, ["survey", "run", str(recording), "-o", str(folder), "--batch-size", "1", *words]
        )

    return run_survey


def rows(folder):
    """Return the rows of all tables that do not depend on when they were written."""
    database = sqlite3.connect(folder / "survey.sqlite")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            table: database.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall() for table, key in TABLES.items()
        }
    finally:
        database.close()


def wait_for_frames(process, count):
    """Read the progress of a run until it has processed that many frames."""
    while f'"done": {count}' not in process.stderr.readline():
        assert process.poll() is None


def slow_run(start, recording, folder):
    return start("run", recording, "-o", folder, "--batch-size", 1, "--progress", "json", SECONDS_PER_FRAME=0.1)


@pytest.mark.slow
def test_a_run_that_is_killed_or_terminated_again_and_again_is_completed(recording, tmp_path, start, run):
    run(tmp_path / "uninterrupted")
    for number, signal_number in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT), start=1):
        process = slow_run(start, recording, tmp_path / "night")
        wait_for_frames(process, 4 * number)
        process.send_signal(signal_number)
        errors = process.communicate(timeout=60)[1]
        if signal_number != signal.SIGKILL:
            assert process.returncode == 128 + signal_number
            assert "run the same command again to resume" in errors.splitlines()[-1]
            assert not (tmp_path / "night" / "survey.lock").exists()

    assert run(tmp_path / "night").exit_code == 0

    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")


def test_a_second_run_in_the_same_folder_is_refused_until_the_first_ends(recording, tmp_path, start, run):
    process = slow_run(start, recording, tmp_path / "night")
    wait_for_frames(process, 2)

    for words in ((), ("--overwrite",)):
        result = run(tmp_path / "night", *words)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"error: {tmp_path}/night/survey.lock: another run of this survey is in progress")
        assert f"(process {process.pid} on " in line
    process.kill()
    process.communicate()

    assert run(tmp_path / "night").exit_code == 0


def test_a_survey_can_be_read_while_it_runs(recording, tmp_path, start):
    process = slow_run(start, recording, tmp_path / "night")
    wait_for_frames(process, 2)

    result = CliRunner().invoke(main, ["survey", "summary", str(tmp_path / "night")])

    assert result.exit_code == 0 and " frames of 1 files" in result.stdout
    assert process.communicate(timeout=60)[0].startswith("24 frames processed, 0 failures")


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1_000, 120_000])
def test_a_full_disk_loses_nothing(recording, tmp_path, finish, run, limit):
    run(tmp_path / "uninterrupted")

    code, _, errors = finish("run", recording, "-o", tmp_path / "night", "--batch-size", 1, FILE_SIZE_LIMIT=limit)

    assert code == 2
    assert errors[-1].startswith(f"error: {tmp_path}/night/survey.sqlite: ") and len(errors) == 1
    assert list((tmp_path / "night").glob("*.part")) == []
    assert run(tmp_path / "night").exit_code == 0
    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")


@pytest.mark.parametrize("name", ["manifest.json", "failures.csv"])
def test_a_full_disk_leaves_no_half_written_file(tmp_path, run, monkeypatch, name):
    assert run(tmp_path / "night").exit_code == 0
    content = (tmp_path / "night" / name).read_bytes()
    function = {"manifest.json": "json.dump", "failures.csv": "csv.writer"}[name]

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"sonar_debris.survey.folder.{function}", fail)
    result = run(tmp_path / "night")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"error: {tmp_path}/night/{name}: No space left on device"
    assert (tmp_path / "night" / name).read_bytes() == content


def test_the_clock_may_go_backwards(recording, tmp_path, run, monkeypatch):
    run(tmp_path / "uninterrupted")
    now = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    monkeypatch.setattr(time, "time_ns", lambda: next(now) * 10**9)

    result = run(tmp_path / "night", "--progress", "json")

    assert result.exit_code == 0 and '"frames_per_second": -' not in result.stderr
    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")


def test_a_source_that_changes_during_the_run_is_processed_again(recording, tmp_path, start, run):
    process = slow_run(start, recording, tmp_path / "night")
    wait_for_frames(process, 2)
    np.save(recording, np.random.default_rng(1).uniform(0, 0.9, (9, 40, 50)).astype(np.float32))
    process.communicate(timeout=60)

    result = run(tmp_path / "night")

    assert result.exit_code == 0 and result.stdout.startswith("9 frames processed, 0 failures")
    assert f"note: 1 file changed; processed again from the start: {recording}" in result.stderr
    run(tmp_path / "new")
    assert rows(tmp_path / "night") == rows(tmp_path / "new")
