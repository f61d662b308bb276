import random
import shutil
import sqlite3
import threading

import cv2
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey import run as runner
from sonar_debris.survey.inference import Reading, local_inference
from sonar_debris.survey.run import Progress, find_sources, run_survey
from sonar_debris.survey.store import SurveyStore
from tests.survey.conftest import BrightSpots, echoes


def test_everything_is_searched_once_and_what_failed_is_named(dive, search, rows, tmp_path):
    detector = BrightSpots()

    progress = search(tmp_path / "night", [dive], detector=detector)

    assert (progress.done, progress.failures) == (20, 2)
    assert progress.objects == 40 and sum(detector.seen) == 20
    found = rows(tmp_path / "night")
    failures = {name.rsplit("/", 1)[1]: failure for _, name, _, failure in found["source"] if failure}
    assert set(failures) == {"b-2.png", "c.aris"}
    assert failures["c.aris"].startswith("cut off within frame 5")
    assert [frames for *_, frames, _ in found["source"]] == [11, 1, 1, 0, 1, 1, 5]
    assert len(found["frame"]) == 20 and len(found["detection"]) == 40


@pytest.mark.parametrize("batch_size", [1, 3, 4, 50])
def test_batches_go_over_sources_and_are_full(dive, search, tmp_path, batch_size):
    detector = BrightSpots()

    search(tmp_path / "night", [dive], batch_size=batch_size, detector=detector)

    assert all(size == batch_size for size in detector.seen[:-1])


@pytest.mark.parametrize("seed", range(4))
def test_an_interrupted_survey_goes_on_to_the_same_rows(dive, search, rows, tmp_path, seed):
    search(tmp_path / "undisturbed", [dive])
    batches, searched = random.Random(seed), 0
    for _ in range(20):
        detector = BrightSpots()
        search(tmp_path / "night", [dive], batches=batches.randint(1, 2), detector=detector)
        searched += sum(detector.seen)

    assert rows(tmp_path / "night") == rows(tmp_path / "undisturbed")
    assert searched == 20  # none twice


def test_inputs_added_later_are_searched(dive, search, rows, tmp_path):
    search(tmp_path / "night", [dive])
    cv2.imwrite(str(dive / "a-first.png"), echoes(9))
    detector = BrightSpots()

    search(tmp_path / "night", [dive], detector=detector)

    assert detector.seen == [1]
    assert rows(tmp_path / "night")["source"][-1][1].endswith("a-first.png")


def test_a_frame_that_the_detector_stumbles_over_does_not_cost_the_others(dive, search, rows, tmp_path):
    bright = echoes(0)
    bright[5, 5] = 255
    cv2.imwrite(str(dive / "b-3.png"), bright)

    progress = search(tmp_path / "night", [dive])

    assert progress.failures == 3
    (failure,) = [row[-1] for row in rows(tmp_path / "night")["frame"] if row[-1]]
    assert failure == "detection failed (too bright)"


def test_what_cannot_be_stored_stops_and_nothing_is_half_stored(dive, search, rows, tmp_path, monkeypatch):
    search(tmp_path / "undisturbed", [dive])
    write, calls = runner._write, []

    def full(store, outcomes):
        calls.append(outcomes)
        write(store, outcomes)
        if len(calls) == 3:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(runner, "_write", full)
    with pytest.raises(SonarDebrisError, match="disk is full; put that right and run the same command again"):
        search(tmp_path / "night", [dive])
    assert len(rows(tmp_path / "night")["frame"]) == 8
    monkeypatch.undo()

    search(tmp_path / "night", [dive])

    assert rows(tmp_path / "night") == rows(tmp_path / "undisturbed")


def test_an_object_has_one_name(dive, search, tmp_path):
    class Undecided(BrightSpots):
        def with_settings(self, alternatives):
            assert alternatives == 0
            return BrightSpots()

        def detect_batch(self, frames):
            pytest.fail("asked for alternatives")

    assert search(tmp_path / "night", [dive], detector=Undecided()).done


def test_an_error_of_the_reading_thread_is_told(dive, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.prefetch.open_frames", lambda *_: 1 / 0)
    with SurveyStore(tmp_path) as store, pytest.raises(ZeroDivisionError):
        sources = find_sources([dive], lambda error: None)
        run_survey(
            store, sources, 1, local_inference(BrightSpots(), Reading()), lambda progress: None, threading.Event()
        )


def test_the_time_left():
    assert Progress(done=30, total=90, seconds=10, now=20).seconds_left == 30
    assert Progress(done=30, total=90).seconds_left is None


def test_a_folder_and_a_file_in_it_are_searched_once(dive):
    sources = find_sources([dive / "a.aris", dive], lambda error: None)

    assert [source.path.name for source in sources].count("a.aris") == 1 and len(sources) == 7


def test_inputs_that_are_not_there(tmp_path):
    errors = []

    assert find_sources([tmp_path / "gone"], errors.append) == []
    assert "gone: no such file or folder" in str(errors[0])


def test_a_database_of_another_program_or_version(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "survey.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(SonarDebrisError, match="survey.sqlite: file is not a database"):
        SurveyStore(tmp_path / "a")
    with SurveyStore(tmp_path) as store:
        store.read("PRAGMA user_version = 99")
    with pytest.raises(SonarDebrisError, match="another version"):
        SurveyStore(tmp_path)


def test_the_database_is_sound(dive, search, tmp_path):
    search(tmp_path / "night", [dive])
    shutil.copytree(tmp_path / "night", tmp_path / "copy")

    with SurveyStore(tmp_path / "copy") as store:
        assert store.read("PRAGMA integrity_check") == [("ok",)]
        assert store.read("PRAGMA foreign_key_check") == []
