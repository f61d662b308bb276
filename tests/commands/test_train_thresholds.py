"""Thresholds from the out-of-fold detections of two models whose answers are known."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.detections import Detections
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.evaluation.calibration import IDENTITY


@pytest.fixture
def models(monkeypatch):
    """Models 0 and 1, each held out of its fold, find the tiny release's can; gives the settings they find it with."""
    asked = []

    def load(name, min_score):
        fold = int(name)
        xyxy, score = np.array([[20, 30, 60, 66]], np.float32), np.array([0.6 - 0.2 * fold], np.float32)
        found = Detections(xyxy, score, np.array([CLASS_NAMES.index("can")]), score, (*CLASS_NAMES, "unknown"))
        data = {"split": "scene", "test_fold": fold}
        settings = SinglePassSettings(name, CLASS_NAMES, data=data, calibration=((0.0, 1.0), (0.0, 0.5)))
        return detector(found, settings, name)

    def detector(found, settings, name):
        def detect(frame):
            asked.append(settings)
            return found

        def with_settings(**changed):
            return detector(found, replace(settings, **changed), name)

        return SimpleNamespace(detect=detect, settings=settings, name=name, with_settings=with_settings)

    monkeypatch.setattr("sonar_debris.commands.train.load_detector", load)
    return asked


@pytest.fixture
def run(tiny_release, tmp_path):
    SinglePassSettings("mine", CLASS_NAMES, min_score=0.3).save(tmp_path / "model.json")

    def invoke(*words):
        command = ["train", "thresholds", "--data", str(tiny_release), "-o", str(tmp_path), *words]
        return CliRunner().invoke(main, command)

    return invoke


def test_scores_mean_what_held_out_frames_showed(run, models, tmp_path):
    result = run("--fold", "0", "--fold", "1", "--model", "0", "--model", "1")

    assert result.exit_code == 0, result.output
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["name"] == "mine"
    assert np.interp(0.6, *model["calibration"]) > 0.99  # every one was right
    assert 0.9 < model["min_score"] <= 1
    assert "detections count from a score of" in result.stdout
    assert "calibration error of each fold" in result.stdout


def test_scores_are_mapped_as_the_networks_give_them(run, models):
    run("--fold", "0", "--fold", "1", "--model", "0", "--model", "1")

    assert {settings.name for settings in models} == {"0", "1"}
    assert all((settings.calibration, settings.alternative_max_score) == (IDENTITY, 0) for settings in models)


def test_a_fold_that_no_model_was_held_out_of(run, models):
    result = run("--fold", "0", "--fold", "2", "--model", "0", "--model", "1")

    assert result.exit_code == 2
    assert "several models need one model per --fold" in result.stderr
