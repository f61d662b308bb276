"""The files in a survey's folder: settings and manifest, lock, and removal."""

import json
import os
import shutil

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import FrameSelection
from sonar_debris.survey.folder import lock_folder, read_settings, remove_survey
from sonar_debris.survey.run import SurveyConfig, run_survey
from sonar_debris.survey.store import SurveyStore, open_survey
from sonar_debris.survey.stored_frames import stored_selection
from tests.fakes import BrightSpots


@pytest.fixture
def survey(dive, tmp_path):
    """A function that surveys an image into a folder; it returns the lines that it was notified of."""

    def run(name="b-1.png", folder=tmp_path / "night", **settings):
        lines = []
        config = SurveyConfig(detector=BrightSpots(), **settings)
        run_survey([dive / name], folder, config, notify=lines.append)
        return lines

    return run


def read_manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"model": 1, "inputs": [[]]}', "[" * 100_000], ids=repr)
def test_a_lost_or_damaged_manifest_is_written_again(survey, tmp_path, content):
    survey()
    path = tmp_path / "night" / "manifest.json"
    expected = path.read_text()
    path.unlink()
    if content is not None:
        path.write_text(content)

    (line,) = survey()

    assert line.startswith(f"{path}: ") and line.endswith("it is written again from survey.sqlite")
    assert path.read_text() == expected


@pytest.mark.parametrize("change", [{"min_score": 0.9}, {"inputs": ["other"]}])
def test_the_manifest_of_another_survey_is_not_replaced(survey, tmp_path, change):
    survey()
    path = tmp_path / "night" / "manifest.json"
    path.write_text(json.dumps(read_manifest(tmp_path / "night") | change))
    content = path.read_text()

    with pytest.raises(SonarDebrisError, match="manifest.json: the manifest of another survey .*; remove that file"):
        survey()

    assert path.read_text() == content
    path.unlink()
    assert "missing" in survey()[0]


def test_other_settings_are_refused_also_without_a_manifest(survey, tmp_path):
    survey()
    (tmp_path / "night" / "manifest.json").unlink()

    with pytest.raises(SonarDebrisError, match=r"holds a survey with other settings \(topic: None → /sonar\)"):
        survey(selection=FrameSelection(topic="/sonar"))


def test_the_inputs_of_all_runs_are_kept(survey, dive, tmp_path):
    survey("b-1.png")
    survey("b-3.png")
    survey("b-1.png")

    inputs = [str(dive / "b-1.png"), str(dive / "b-3.png")]
    assert read_manifest(tmp_path / "night")["inputs"] == inputs
    with open_survey(tmp_path / "night") as store:
        assert store.settings()["inputs"] == inputs


def test_a_survey_keeps_how_its_frames_were_read(survey, tmp_path):
    selection = FrameSelection(slice(0, 5), "/sonar", mirror=True)
    survey(selection=selection)

    with open_survey(tmp_path / "night") as store:
        assert stored_selection(store) == FrameSelection(topic="/sonar", mirror=True)


def test_the_settings_of_a_survey_of_version_2_are_in_its_manifest(survey, tmp_path):
    survey()
    with SurveyStore(tmp_path / "night") as store:
        store.write_settings({})
        assert read_settings(store)["model"] == "bright"
    assert survey() == []
    with SurveyStore(tmp_path / "night") as store:
        assert store.settings()["model"] == "bright"
        store.write_settings({})
        (tmp_path / "night" / "manifest.json").unlink()
        with pytest.raises(SonarDebrisError, match="manifest.json: damaged or missing"):
            read_settings(store)
    with pytest.raises(SonarDebrisError, match="manifest.json: missing, and the survey was made by a version that"):
        survey()


def test_a_manifest_without_a_database_is_continued_only_with_the_same_settings(survey, tmp_path):
    survey()
    for path in (tmp_path / "night").glob("survey.sqlite*"):
        path.unlink()

    with pytest.raises(SonarDebrisError, match=r"the manifest of another survey \(topic: None → /sonar\); choose"):
        survey(selection=FrameSelection(topic="/sonar"))

    assert not (tmp_path / "night" / "survey.sqlite").exists()
    assert survey() == []


def test_damaged_settings_are_one_line(survey, tmp_path):
    survey()
    with SurveyStore(tmp_path / "night") as store:
        store._connection.execute("UPDATE setting SET value = '{'")
        with pytest.raises(SonarDebrisError, match="survey.sqlite: its settings are damaged"):
            store.settings()


def test_a_folder_has_one_run_at_a_time(tmp_path, survey):
    with lock_folder(tmp_path):
        message = f"survey.lock: another run of this survey is in progress .process {os.getpid()} on "
        with pytest.raises(SonarDebrisError, match=message), lock_folder(tmp_path):
            pass
        with pytest.raises(SonarDebrisError, match="another run of this survey"):
            survey(folder=tmp_path)
    assert not (tmp_path / "survey.lock").exists()
    survey(folder=tmp_path)


def test_the_lock_of_a_process_that_was_killed_does_not_hold(tmp_path):
    (tmp_path / "survey.lock").write_text("process 1 on another machine, and more text")

    with lock_folder(tmp_path):
        assert (tmp_path / "survey.lock").read_text().startswith(f"process {os.getpid()} on ")


def test_only_files_of_a_survey_are_removed(survey, tmp_path):
    night = tmp_path / "night"
    survey()
    (night / "notes.txt").write_text("mine")
    shutil.copytree(night, tmp_path / "no-database")
    (tmp_path / "no-database" / "survey.sqlite").unlink()

    remove_survey(night)
    remove_survey(tmp_path / "no-database")

    assert [path.name for path in night.iterdir()] == ["notes.txt"]
    assert (tmp_path / "no-database" / "manifest.json").exists()
