import click
import pytest

from sonar_debris.commands.data_options import TrainingOptions, choose_parts, find_data
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.errors import SonarDebrisError


@pytest.mark.parametrize(
    ("split", "folds", "part", "parts"),
    [
        ("scene", (), None, ("0",)),
        ("scene", (3, 4), None, ("3", "4")),
        ("random", (), None, ("test",)),
        ("random", (), "val", ("val",)),
    ],
)
def test_fold_and_part_choose_the_parts(split, folds, part, parts):
    assert choose_parts(split, folds, part) == parts


@pytest.mark.parametrize(("split", "folds", "part"), [("scene", (), "test"), ("random", (0,), None)])
def test_options_of_the_other_split_are_refused(split, folds, part):
    with pytest.raises(click.UsageError, match="belongs to --split"):
        choose_parts(split, folds, part)


def test_given_data_takes_precedence_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SONAR_DEBRIS_DATA", "elsewhere")

    assert find_data(tmp_path) == tmp_path


def test_environment_names_the_data(tmp_path, monkeypatch):
    (tmp_path / "marine-debris-fls").mkdir()
    monkeypatch.setenv("SONAR_DEBRIS_DATA", str(tmp_path))

    assert find_data(None) == tmp_path / "marine-debris-fls"


def test_missing_data_is_reported(tmp_path, monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)

    with pytest.raises(SonarDebrisError, match="give --data ROOT, or set SONAR_DEBRIS_DATA"):
        find_data(None)
    with pytest.raises(SonarDebrisError, match="nowhere: no such folder"):
        find_data(tmp_path / "nowhere")


def test_options_choose_a_training_set(tmp_path):
    options = TrainingOptions(tmp_path, "scene", test_fold="4", val_fold=None, simulated=7)

    assert options.training_set() == TrainingSet(tmp_path, "scene", ("0", "1", "2", "3"), (), 7)


def test_same_fold_for_test_and_validation_is_refused(tmp_path):
    with pytest.raises(click.UsageError, match="--test-fold and --val-fold must differ"):
        TrainingOptions(tmp_path, "scene", "1", "1", 0).training_set()
