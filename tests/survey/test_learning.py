"""The whole way that the documents describe: run, review, labels, train, learn, run again."""

import shutil

import pytest
from click.testing import CliRunner

pytest.importorskip("supervision", reason="the extra export is not installed")

from sonar_debris.commands.main import main
from sonar_debris.detectors.single_pass import fine_tuning
from sonar_debris.survey.store import SurveyStore, open_survey
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a command in a folder with ``dive-07/near`` and ``dive-07/far``, of equal names."""
    monkeypatch.chdir(tmp_path)
    for number, part in enumerate(("near", "far")):
        (tmp_path / "dive-07" / part).mkdir(parents=True)
        for copy in range(2):
            source = ROOT / "data" / "sample" / f"frame-000{2 * number + copy}.png"
            shutil.copyfile(source, tmp_path / "dive-07" / part / f"frame-{copy}.png")

    def invoke(command):
        result = CliRunner().invoke(main, command.split())
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def accept_all():
    with SurveyStore("night") as store:
        for *key, class_name in store.read("SELECT source, position, rank, class FROM detection"):
            store.decide(tuple(key), "accepted", class_name)


def test_reviewed_labels_of_a_relative_folder_train_a_detector(run):
    run("survey run dive-07 -o night")
    accept_all()

    assert run("survey labels night -o night-labels").startswith("4 frames with ")
    words = "train detector --images night-labels/images --labels night-labels/labels --init single-pass -o mine"
    assert "trained on 3 frames" in run(f"{words} --epochs 1 --steps 1 --batch-size 2")
    run("detect dive-07 -o out --model mine --no-images")


def test_a_survey_teaches_its_place_and_keeps_decisions_in_the_next_run(run, monkeypatch):
    monkeypatch.setattr(fine_tuning, "STEPS_PER_EPOCH", 2)
    monkeypatch.setattr(fine_tuning, "MIN_STEPS", 2)
    monkeypatch.setattr(fine_tuning, "TRIAL_STEPS", 1)
    run("survey run dive-07 -o night")
    accept_all()
    with SurveyStore("night") as store:
        (key,) = store.read("SELECT source, position, rank FROM detection LIMIT 1")
        store.decide(key, "accepted", "anchor")

    output = run("survey learn night -o night-model --minutes 0.01")

    assert "learnt 4 frames" in output and "new classes: anchor" in output and "before" in output
    run("survey run dive-07 --model night-model -o night-2 --decisions-from night")
    with open_survey("night") as first, open_survey("night-2") as second:
        classes = [{item.class_name for item in survey.last_decisions()} for survey in (first, second)]
        assert "anchor" in classes[1] and len(second.last_decisions()) > 0
