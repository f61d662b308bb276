import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.commands.survey import run as survey_run
from sonar_debris.survey.store import SurveyStore
from tests.survey.conftest import BrightSpots

ALL = "SELECT name, position, rank, class, score, x FROM detection JOIN source ON source.id = source ORDER BY 1, 2, 3"


@pytest.fixture
def stack(tmp_path):
    """Twelve frames in a file, one of them with NaN."""
    frames = np.random.default_rng(0).uniform(0, 0.9, (12, 40, 50)).astype(np.float32)
    frames[7, 0, 0] = np.nan
    np.save(tmp_path / "dive.npy", frames)
    return tmp_path / "dive.npy"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(survey_run, "load_detector", lambda model, min_score: BrightSpots())


def run(*words):
    return CliRunner().invoke(main, ["survey", *map(str, words)])


def rows(folder):
    with SurveyStore(folder) as store:
        return store.read(ALL)


def test_a_survey_and_its_summary(stack, tmp_path, quick):
    result = run("run", stack, "-o", tmp_path / "night", "--progress", "json")

    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("12 frames searched, 1 failures, ") and f"see {tmp_path}/night" in result.stdout
    last = json.loads(result.stderr.splitlines()[-1])
    assert (last["done"], last["total"], last["failures"], last["seconds_left"]) == (12, 12, 1, 0)
    assert (
        (tmp_path / "night" / "failures.csv").read_text().splitlines()[1].startswith(f"{stack},7,the image holds NaN")
    )
    assert (
        "12 frames of 1 files; not whole or not readable: 0 files, 1 frames"
        in run("summary", tmp_path / "night").stdout
    )


def test_the_same_again_does_nothing_and_says_the_same(stack, tmp_path, quick):
    results = [run("run", stack, "-o", tmp_path / "night") for _ in range(2)]

    assert results[0].stdout == results[1].stdout and results[1].exit_code == 1


def test_what_differs_is_refused_unless_it_is_to_begin_anew(stack, tmp_path, quick, monkeypatch):
    run("run", stack, "-o", tmp_path / "night")
    monkeypatch.setattr(BrightSpots, "min_score", 0.7)

    refused = run("run", stack, "-o", tmp_path / "night")
    assert refused.exit_code == 2
    assert "begun with something else (min_score: 0.5 → 0.7)" in refused.stderr and "--overwrite" in refused.stderr
    assert run("run", stack, "-o", tmp_path / "night", "--overwrite").exit_code == 1


def test_chosen_frames_only(stack, tmp_path, quick):
    result = run("run", stack, "-o", tmp_path / "night", "--frames", "2-6:2")

    assert result.exit_code == 0 and result.stdout.startswith("3 frames searched")
    assert sorted({position for _, position, *_ in rows(tmp_path / "night")}) == [2, 4, 6]


def test_nothing_to_search(tmp_path, quick):
    result = run("run", tmp_path / "gone", "-o", tmp_path / "night")

    assert result.exit_code == 2 and "gone: no such file or folder" in result.stderr
    assert not (tmp_path / "night").exists()


def test_a_folder_without_a_survey(tmp_path):
    assert run("summary", tmp_path).exit_code == 2


SLOW = """
import resource, sys, time
limit = int(sys.argv.pop(1))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from sonar_debris.commands.survey import run as survey_run
from tests.survey.conftest import BrightSpots
class Slow(BrightSpots):
    def detect_batch(self, frames):
        time.sleep(0 if limit else 0.15)
        return super().detect_batch(frames)
survey_run.load_detector = lambda model, min_score: Slow()
from sonar_debris.commands.main import main
main(sys.argv[1:])
"""


def start(stack, folder, limit=0):
    words = [str(limit), "survey", "run", str(stack), "-o", str(folder), "--batch-size", "1", "--progress", "json"]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    return subprocess.Popen([sys.executable, "-c", SLOW, *words], stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_survey_goes_on_where_it_stopped(stack, tmp_path, quick, how):
    run("run", stack, "-o", tmp_path / "undisturbed", "--batch-size", 1)
    process = start(stack, tmp_path / "night")
    while '"done": 3' not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    with SurveyStore(tmp_path / "night") as store:
        ((searched,),) = store.read("SELECT COUNT(*) FROM frame")
    assert 3 <= searched < 12

    assert run("run", stack, "-o", tmp_path / "night", "--batch-size", 1).exit_code == 1

    assert rows(tmp_path / "night") == rows(tmp_path / "undisturbed")
    with SurveyStore(tmp_path / "night") as store:
        assert store.read("PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_stops_with_one_line_and_the_survey_can_go_on(stack, tmp_path, quick):
    run("run", stack, "-o", tmp_path / "undisturbed", "--batch-size", 1)

    process = start(stack, tmp_path / "night", limit=120_000)
    last = process.communicate(timeout=60)[1].splitlines()[-1]

    assert process.returncode == 2
    assert last.startswith(f"error: {tmp_path}/night/survey.sqlite: ")
    assert last.endswith("; put that right and run the same command again")
    assert run("run", stack, "-o", tmp_path / "night", "--batch-size", 1).exit_code == 1
    assert rows(tmp_path / "night") == rows(tmp_path / "undisturbed")
