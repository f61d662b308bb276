"""Databases that are read-only, locked, damaged, or not those of a survey."""

import json
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey import database
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore, open_survey

VERSION_1 = Path(__file__).parents[1] / "survey" / "data" / "survey-v1.sql"
NOBODY = 65534


def run(*words):
    return CliRunner().invoke(main, ["survey", *map(str, words)])


def write_survey(folder, frames=8):
    """Write a survey of one recording that shows one object, without its objects."""
    folder.mkdir()
    with SurveyStore(folder) as store:
        source = store.add_sources(["dive.aris"])["dive.aris"]
        with store.transaction():
            for position in range(frames):
                detection = DetectionRecord(10.0, 20.0, 30.0, 40.0, "can", 1.0, 1.0)
                store.add_frame(source, FrameRecord(position, 80, 60, 1e9 + position, detections=[detection]))
            store.finish_source(source, None)
        store.write_settings({"model": "m", "min_score": 0.2, "version": "1", "classes": ["can"]})
    return folder


@pytest.fixture
def night(tmp_path):
    return write_survey(tmp_path / "night")


def reading_commands(folder, output):
    """Return the words of the commands that only read a survey."""
    truth = output / "truth.coco.json"
    truth.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    return [
        ("summary", folder),
        ("compare", folder, truth),
        ("export", folder, "--format", "csv", "-o", output / "export"),
    ]


def allow_everybody(folder):
    """Let every user read a folder; pytest makes its temporary folders for one user only."""
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("is_old", [False, True])
def test_reading_commands_work_in_a_read_only_folder(tmp_path, finish, number, is_old):
    allow_everybody(tmp_path)
    output = tmp_path / "output"
    output.mkdir()
    if is_old:
        (tmp_path / "night").mkdir()
        old = sqlite3.connect(tmp_path / "night" / "survey.sqlite")
        old.executescript("PRAGMA journal_mode = WAL;" + VERSION_1.read_text(encoding="utf-8"))
        old.close()
    else:
        write_survey(tmp_path / "night")
    words = reading_commands(tmp_path / "night", output)[number]
    before = (tmp_path / "night" / "survey.sqlite").read_bytes()
    output.chmod(0o777)
    for path in (tmp_path / "night").iterdir():
        path.chmod(0o444)
    (tmp_path / "night").chmod(0o555)
    try:
        code, stdout, errors = finish(*words, USER_ID=NOBODY)
    finally:
        (tmp_path / "night").chmod(0o755)

    assert (code, errors) == (0, [])
    assert {path.name for path in (tmp_path / "night").iterdir()} == {"survey.sqlite"}
    assert (tmp_path / "night" / "survey.sqlite").read_bytes() == before
    if number == 0:
        assert ("hook" if is_old else "can") in stdout


def test_a_run_in_a_read_only_folder_is_refused_in_one_line(night, recording, finish, tmp_path):
    allow_everybody(tmp_path)
    night.chmod(0o555)
    try:
        code, _, errors = finish("run", recording, "-o", night, USER_ID=NOBODY)
    finally:
        night.chmod(0o755)

    assert code == 2 and len(errors) == 1 and f"{night}: no permission to write" in errors[0]


def test_objects_of_a_database_that_is_read_only_are_found_in_a_copy(night, monkeypatch):
    connect = sqlite3.connect

    def connect_read_only(path, *arguments, **options):
        if isinstance(path, str):
            return connect(path, *arguments, **options)
        return connect(f"file:{path}?mode=ro", *arguments, uri=True, **options)

    before = (night / "survey.sqlite").read_bytes()
    monkeypatch.setattr(database.sqlite3, "connect", connect_read_only)

    with open_survey(night) as store:
        assert find_objects(store) == 1
        assert [record.class_name for record in store.objects()] == ["can"]
    assert (night / "survey.sqlite").read_bytes() == before
    message = "survey.sqlite: attempt to write a readonly database; make the file"
    with pytest.raises(SonarDebrisError, match=message), SurveyStore(night) as store:
        find_objects(store)
    with pytest.raises(SonarDebrisError, match="readonly"), open_survey(night) as store:
        store.decide(DetectionKey(1, 0, 0), "accepted", "can")


def test_the_last_transactions_of_a_killed_run_are_read_from_a_read_only_folder(night, tmp_path, monkeypatch):
    with SurveyStore(night) as store:
        store.decide(DetectionKey(1, 0, 0), "accepted", "can")
        shutil.copytree(night, tmp_path / "copy", ignore=shutil.ignore_patterns("*-shm"))  # as a kill leaves it
    connect = sqlite3.connect

    def connect_without_rights(path, *arguments, **options):
        if str(tmp_path / "copy") in str(path) and "immutable" not in str(path):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(path, *arguments, **options)

    monkeypatch.setattr(database.sqlite3, "connect", connect_without_rights)

    with open_survey(tmp_path / "copy") as store:
        assert store.count_decisions() == 1


def test_a_locked_database_is_reported_in_one_line_within_seconds(night, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.2)
    lock = sqlite3.connect(night / "survey.sqlite")
    lock.execute("BEGIN EXCLUSIVE")
    try:
        for words in reading_commands(night, tmp_path):
            begin = time.monotonic()
            result = run(*words)
            assert result.exit_code == 2 and time.monotonic() - begin < 10
            (line,) = result.stderr.splitlines()
            assert line.startswith(f"error: {night}/survey.sqlite: database is locked; another program")
    finally:
        lock.close()
    assert database.LOCK_TIMEOUT < 10 and run("summary", night).exit_code == 0


def corrupt_page(path, number):
    page_size = 4096
    with path.open("r+b") as file:
        file.seek(number * page_size)
        file.write(b"\xff" * page_size)


@pytest.mark.parametrize("page", [0, 1, 2, "all"])
def test_a_damaged_database_is_reported_in_one_line(tmp_path, page):
    night = write_survey(tmp_path / "night", frames=400)
    path = night / "survey.sqlite"
    pages = path.stat().st_size // 4096
    for number in range(1, pages) if page == "all" else [page]:
        corrupt_page(path, number)

    for words in reading_commands(night, tmp_path):
        result = run(*words)
        lines = result.stderr.splitlines()
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code in (0, 2) and len(lines) == (result.exit_code == 2)
        assert all(line.startswith(f"error: {path}: ") for line in lines)
    if page == "all" or page == 0:
        assert run("summary", night).exit_code == 2


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("PRAGMA user_version = 99", "written by another version of sonar-debris; update sonar-debris"),
        ("PRAGMA user_version = 0", "not the database of a survey"),
        ("DROP VIEW reviewed_detection", "no such table: reviewed_detection"),
        ("UPDATE source SET name = CAST(x'fffe' AS TEXT)", "Could not decode to UTF-8"),
    ],
)
def test_a_database_that_is_not_that_of_a_survey_is_reported_in_one_line(night, recording, statement, message):
    connection = sqlite3.connect(night / "survey.sqlite")
    connection.executescript(statement)
    connection.close()

    result = run("summary", night)

    if "name" in statement:
        result = run("export", night, "--format", "csv")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {night}/survey.sqlite: ") and message in line


def test_a_file_that_is_no_database_is_reported_in_one_line(tmp_path):
    (tmp_path / "survey.sqlite").write_bytes(os.urandom(5000))

    result = run("summary", tmp_path)

    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"error: {tmp_path}/survey.sqlite: file is not a database; "
        "restore a copy of it, or start again with: survey run --overwrite"
    ]
