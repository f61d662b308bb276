import click
import pytest

from sonar_debris.commands.data_options import Selection, choose_parts, find_data
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
def test_parts(split, folds, part, parts):
    assert choose_parts(split, folds, part) == parts


@pytest.mark.parametrize(("split", "folds", "part"), [("scene", (), "test"), ("random", (0,), None)])
def test_options_of_the_other_split_are_wrong_usage(split, folds, part):
    with pytest.raises(click.UsageError, match="belongs to --split"):
        choose_parts(split, folds, part)


def test_data_as_given_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SONAR_DEBRIS_DATA", "elsewhere")

    assert find_data(tmp_path) == tmp_path


def test_data_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "marine-debris-fls").mkdir()
    monkeypatch.setenv("SONAR_DEBRIS_DATA", str(tmp_path))

    assert find_data(None) == tmp_path / "marine-debris-fls"


def test_no_data_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)

    with pytest.raises(SonarDebrisError, match="give --data ROOT, or set SONAR_DEBRIS_DATA"):
        find_data(None)
    with pytest.raises(SonarDebrisError, match="nowhere: no such folder"):
        find_data(tmp_path / "nowhere")


def test_a_selection_says_what_it_is(tmp_path):
    assert str(Selection(tmp_path, "scene", ("0", "1"))) == "scene split, part 0, 1"
