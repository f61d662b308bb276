import json

import numpy as np
import pytest

from sonar_debris.classifiers import build_classifier
from sonar_debris.reproduce import classification
from sonar_debris.reproduce.classification import (
    NETWORKS,
    PUBLISHED,
    TEMPLATE_COUNTS,
    TEMPLATES,
    TEMPLATES_PER_CLASS,
    Trial,
    list_trials,
    reproduce_classification,
    run_trial,
)
from sonar_debris.reproduce.study import Study


@pytest.fixture
def one_network(monkeypatch):
    """Keep only one network, and all template matchers: trainings take most of the time."""
    monkeypatch.setattr(classification, "NETWORKS", NETWORKS[:1])
    monkeypatch.setattr(classification, "TEMPLATE_COUNTS", (1, 2))


@pytest.mark.slow
def test_quick_study_writes_a_report_and_computes_nothing_twice(quick_study, one_network, capsys):
    reproduce_classification(quick_study)
    report = (quick_study.folder / "report.md").read_text()
    results = json.loads((quick_study.folder / "results.json").read_text())

    assert all(0 <= trial["accuracy"] <= 1 for trial in results["trials"].values())
    assert len([line for line in report.splitlines() if line.startswith(("| cnn", "| template"))]) == 7
    for name in ("templates", "learning-curves", "confusion-scene", "confusion-random", "filters"):
        assert f"({name}.png)" in report and (quick_study.folder / f"{name}.png").stat().st_size > 1000

    capsys.readouterr()
    reproduce_classification(quick_study)
    assert capsys.readouterr().err == ""
    assert (quick_study.folder / "report.md").read_text() == report


@pytest.mark.slow
def test_the_same_seed_gives_the_same_figures(quick_study):
    trial = Trial("cnn-batchnorm", 64, "random", "", 0)

    first, second = (run_trial(quick_study, trial) for _ in range(2))

    assert first == second


def test_full_study_has_all_rows_sizes_splits_folds_and_seeds(tmp_path):
    trials = list(list_trials(Study(tmp_path, tmp_path)))
    runs_by_row = {}
    for trial in trials:
        if (trial.templates, trial.training) == (TEMPLATES_PER_CLASS, "jittered"):
            runs_by_row.setdefault((trial.row, trial.size, trial.split), set()).add((trial.fold, trial.seed))

    assert len(trials) == len({trial.name for trial in trials})
    assert set(runs_by_row) == {
        (row, size, split) for row in (*NETWORKS, *TEMPLATES) for size in (64, 96) for split in ("random", "scene")
    }
    for (_, _, split), runs in runs_by_row.items():
        assert runs == ({("", seed) for seed in range(3)} if split == "random" else {(str(f), 0) for f in range(5)})


def test_networks_have_the_published_numbers_of_weights():
    for row in NETWORKS:
        weights = build_classifier(row, 10, size=96).count_params()
        assert weights == pytest.approx(PUBLISHED[row].weights, rel=0.005)


def test_template_matcher_stores_the_training_crops_and_recognises_them(quick_study):
    result = run_trial(quick_study, Trial("template-cross_correlation-normalised", 64, "random", "", 0))

    assert result["weights"] == 8 * 64 * 64
    assert result["accuracy"] == 1.0


def test_curve_of_templates_is_the_mean_over_seeds():
    results = {
        Trial(row, 64, "random", "", seed, templates=count): {"accuracy": 0.1 * seed + count / 1000}
        for row in TEMPLATES
        for seed in (0, 1)
        for count in TEMPLATE_COUNTS
    }

    counts, accuracy = classification._template_curves(results)[TEMPLATES[0]]

    np.testing.assert_allclose(accuracy, 0.05 + np.array(counts) / 1000)
