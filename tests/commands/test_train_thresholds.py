"""Thresholds from the out-of-fold detections of two models whose answers are known."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.datasets.watertank import CLASS_NAMES
from sonar_debris.detection.detections import Detections
from sonar_debris.detection.settings import SinglePassSettings


@pytest.fixture
def models(monkeypatch):
    """Models 0 and 1, each held out of its fold, find the can of the tiny release with a score of 0.6."""
    loaded = []

    def load(name, min_score):
        fold = int(name)
        xyxy, score = np.array([[20, 30, 60, 66]], np.float32), np.array([0.6 - 0.2 * fold], np.float32)
        found = Detections(xyxy, score, np.array([CLASS_NAMES.index("can")]), score, (*CLASS_NAMES, "unknown"))
        settings = SinglePassSettings(name, CLASS_NAMES, data={"split": "scene", "test_fold": fold})
        one = SimpleNamespace(detect=lambda frame: found, settings=settings, name=name)
        one.with_settings = lambda **changed: one
        loaded.append(one)
        return one

    monkeypatch.setattr("sonar_debris.commands.finding.load_detector", load)
    return loaded


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


def test_a_fold_that_no_model_was_held_out_of(run, models):
    result = run("--fold", "0", "--fold", "2", "--model", "0", "--model", "1")

    assert result.exit_code == 2
    assert "several models need one a --fold" in result.stderr
