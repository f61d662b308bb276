import shutil
import sqlite3
from pathlib import Path

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord, ObjectRecord
from sonar_debris.survey.store import SurveyStore, open_survey

VERSION_1 = Path(__file__).parent / "data" / "survey-v1.sql"


@pytest.fixture
def version_1(tmp_path):
    """The folder of a survey that the first version of the program wrote."""
    database = sqlite3.connect(tmp_path / "survey.sqlite")
    database.executescript(VERSION_1.read_text(encoding="utf-8"))
    database.close()
    return tmp_path


def test_a_database_of_another_program_or_version_is_refused(tmp_path, query):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "survey.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(SonarDebrisError, match="survey.sqlite: file is not a database"):
        SurveyStore(tmp_path / "a")
    with SurveyStore(tmp_path):
        query(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(SonarDebrisError, match="another version"):
        SurveyStore(tmp_path)


def test_a_database_of_version_1_is_migrated_when_it_is_opened(version_1, query):
    with open_survey(version_1) as store:
        assert store.objects() == [
            ObjectRecord(1, "hook", 1.0, 0.9, 6, 1, 0, 0, 1e9, 1e9 + 5, 48.5, -4.5, 0.0, file="dive/a.aris")
        ]
        assert [decision.verdict for decision in store.last_decisions()] == ["accepted", "rejected"]
        assert store.tracking_state() is None  # the objects are found again, with their duplicates
        assert [failure.reason for failure in store.failures()] == ["damaged", "no image"]
    names = {name for (name,) in query(version_1, "SELECT name FROM sqlite_master")}
    assert {"tracking_state", "reviewed_detection"} <= names and not names & {"counted", "judged"}
    assert query(version_1, "PRAGMA user_version") == [(5,)]


def test_a_migrated_survey_is_like_a_new_one(version_1, tmp_path, query):
    schema = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY name"
    (tmp_path / "new").mkdir()
    with SurveyStore(version_1) as store, SurveyStore(tmp_path / "new"):
        source = store.add_sources(["b.aris"])["b.aris"]
        with store.transaction():
            for position in range(5):
                detection = DetectionRecord(1.0, 2.0, 30.0, 40.0, "can", 1.0, 1.0)
                store.add_frame(source, FrameRecord(position, 80, 60, detections=[detection]))
            store.finish_source(source, None)

        assert find_objects(store) == 2
        assert query(version_1, schema) == query(tmp_path / "new", schema)
        assert query(version_1, "PRAGMA integrity_check") == [("ok",)]


def test_a_failed_migration_changes_nothing(version_1, monkeypatch, query):
    migration = ("ALTER TABLE counted RENAME TO tracking_state", "DROP VIEW missing")
    monkeypatch.setattr("sonar_debris.survey.database.MIGRATIONS", {1: migration})

    with pytest.raises(SonarDebrisError, match="no such view"):
        SurveyStore(version_1)

    assert query(version_1, "SELECT COUNT(*) FROM counted") == [(1,)]
    assert query(version_1, "PRAGMA user_version") == [(1,)]


def test_the_database_of_a_survey_has_integrity(dive, process, tmp_path, query):
    process(tmp_path / "night", [dive])
    shutil.copytree(tmp_path / "night", tmp_path / "copy")

    assert query(tmp_path / "copy", "PRAGMA integrity_check") == [("ok",)]
    assert query(tmp_path / "copy", "PRAGMA foreign_key_check") == []


def test_the_last_decision_counts_and_earlier_ones_are_kept(version_1, query):
    with SurveyStore(version_1) as store:
        store.decide(DetectionKey(1, 0, 0), "undecided", "tire")

        assert store.last_decisions()[0].verdict == "undecided"
    assert len(query(version_1, "SELECT * FROM decision")) == 3


def test_a_folder_without_a_survey_is_refused(tmp_path):
    with pytest.raises(SonarDebrisError, match="holds no survey; make one with: sonar-debris survey run"):
        open_survey(str(tmp_path))


def test_of_two_adopted_decisions_the_one_on_the_better_box_counts(tmp_path):
    def box(x, score):
        return DetectionRecord(x, 2.0, 30.0, 40.0, "can", score, score)

    stores = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        stores.append(SurveyStore(tmp_path / name))
    with stores[0] as old, stores[1] as new:
        for store in (old, new):
            store.add_sources(["a.png"])
        with old.transaction():
            old.add_frame(1, FrameRecord(0, 80, 60, detections=[box(1.0, 0.9), box(8.0, 0.8)]))
        old.decide(DetectionKey(1, 0, 0), "accepted", "hook")
        old.decide(DetectionKey(1, 0, 1), "rejected", "hook")  # as a duplicate of the first is
        assert new.adopt_decisions(old) == 2
        with new.transaction():
            new.add_frame(1, FrameRecord(0, 80, 60, detections=[box(2.0, 0.9)]))

        assert [(item.verdict, item.class_name) for item in new.last_decisions()] == [("accepted", "hook")]
        assert new.count_adopted() == 0
