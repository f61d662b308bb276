"""Thresholds from the detections of two models of a cross-validation, each in the fold left out of its training."""

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
    """Make models 0 and 1 detect the can of the tiny release; return the settings in use at each detection."""
    settings_in_use = []

    def load(name, min_score):
        fold = int(name)
        xyxy, score = np.array([[20, 30, 60, 66]], np.float32), np.array([0.6 - 0.2 * fold], np.float32)
        detections = Detections(xyxy, score, np.array([CLASS_NAMES.index("can")]), score, (*CLASS_NAMES, "unknown"))
        data = {"split": "scene", "test_fold": fold}
        settings = SinglePassSettings(name, CLASS_NAMES, data=data, calibration=((0.0, 1.0), (0.0, 0.5)))
        return detector(detections, settings, name)

    def detector(detections, settings, name):
        def detect(frame):
            settings_in_use.append(settings)
            return detections

        def with_settings(**changes):
            return detector(detections, replace(settings, **changes), name)

        return SimpleNamespace(detect=detect, settings=settings, name=name, with_settings=with_settings)

    monkeypatch.setattr("sonar_debris.commands.train.load_detector", load)
    return settings_in_use


@pytest.fixture
def run(tiny_release, tmp_path):
    SinglePassSettings("mine", CLASS_NAMES, min_score=0.3).save(tmp_path / "model.json")

    def invoke(*words):
        command = ["train", "thresholds", "--data", str(tiny_release), "-o", str(tmp_path), *words]
        return CliRunner().invoke(main, command)

    return invoke


def test_scores_are_calibrated_on_frames_left_out_of_training(run, models, tmp_path):
    result = run("--fold", "0", "--fold", "1", "--model", "0", "--model", "1")

    assert result.exit_code == 0, result.output
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["name"] == "mine"
    assert np.interp(0.6, *model["calibration"]) > 0.99  # all detections are correct
    assert 0.9 < model["min_score"] <= 1
    assert "scores calibrated, score threshold" in result.stdout
    assert "calibration error of each fold, calibrated on the other folds" in result.stdout


def test_detections_for_calibration_are_uncalibrated(run, models):
    run("--fold", "0", "--fold", "1", "--model", "0", "--model", "1")

    assert {settings.name for settings in models} == {"0", "1"}
    assert all((settings.calibration, settings.alternative_max_score) == (IDENTITY, 0) for settings in models)


def test_fold_that_no_model_was_trained_without_is_reported(run, models):
    result = run("--fold", "0", "--fold", "2", "--model", "0", "--model", "1")

    assert result.exit_code == 2
    assert "several models need one model per --fold" in result.stderr
