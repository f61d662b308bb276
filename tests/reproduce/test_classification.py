import json

import numpy as np
import pytest

from sonar_debris.classifiers.training import CLASSIFIERS
from sonar_debris.reproduce import classification, classification_trials
from sonar_debris.reproduce import pipelines as published
from sonar_debris.reproduce.classification import reproduce_classification
from sonar_debris.reproduce.classification_trials import NETWORKS, TEMPLATES, Trial, list_trials, run_trial
from sonar_debris.reproduce.study import Study


@pytest.fixture
def one_row(monkeypatch):
    """Only one network and all template matchers: trainings take most of the time."""
    for module in (classification, classification_trials):
        monkeypatch.setattr(module, "NETWORKS", NETWORKS[:1])
        monkeypatch.setattr(module, "TEMPLATE_COUNTS", (1, 2))


def test_a_quick_study_twice(quick_study, one_row, capsys):
    reproduce_classification(quick_study)
    report = (quick_study.folder / "report.md").read_text()
    results = json.loads((quick_study.folder / "results.json").read_text())

    assert all(0 <= trial["accuracy"] <= 1 for trial in results["trials"].values())
    assert len([line for line in report.splitlines() if line.startswith(("| cnn", "| template"))]) == 7
    for name in ("templates", "learning-curves", "confusion-scene", "confusion-random", "filters"):
        assert f"({name}.png)" in report and (quick_study.folder / f"{name}.png").stat().st_size > 1000

    capsys.readouterr()
    reproduce_classification(quick_study)  # all is kept: nothing is trained again
    assert capsys.readouterr().err == ""
    assert (quick_study.folder / "report.md").read_text() == report


def test_the_same_seed_gives_the_same_figures(quick_study, one_row):
    trial = Trial("cnn-batchnorm", 64, "random", "", 0)

    first, second = (run_trial(quick_study, trial) for _ in range(2))

    assert first == second


def test_the_full_protocol(tmp_path):
    trials = list(list_trials(Study(tmp_path, tmp_path)))
    by_row = {}
    for trial in trials:
        if (trial.templates, trial.training) == (classification_trials.TEMPLATES_PER_CLASS, "jittered"):
            by_row.setdefault((trial.row, trial.size, trial.split), set()).add((trial.fold, trial.seed))

    assert len(trials) == len({trial.name for trial in trials})
    assert set(by_row) == {(r, z, s) for r in (*NETWORKS, *TEMPLATES) for z in (64, 96) for s in ("random", "scene")}
    for (_, _, split), runs in by_row.items():
        assert runs == ({("", s) for s in range(3)} if split == "random" else {(str(f), 0) for f in range(5)})


def test_weights_are_those_published():
    for row in NETWORKS:
        weights = CLASSIFIERS[row](10, size=96).count_params()
        assert weights == pytest.approx(published.CLASSIFICATION[row][1], rel=0.005)


def test_templates_stand_for_their_crops(quick_study):
    cell = run_trial(quick_study, Trial("template-cross_correlation-normalised", 64, "random", "", 0))

    assert cell["weights"] == 8 * 64 * 64
    assert cell["accuracy"] == 1.0


def test_curve_of_templates():
    done = {
        Trial(row, 64, "random", "", seed, templates=count): {"accuracy": 0.1 * seed + count / 1000}
        for row in TEMPLATES
        for seed in (0, 1)
        for count in classification_trials.TEMPLATE_COUNTS
    }

    counts, accuracy = classification._template_curves(done)[TEMPLATES[0]]

    np.testing.assert_allclose(accuracy, 0.05 + np.array(counts) / 1000)
