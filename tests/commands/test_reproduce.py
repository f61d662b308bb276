"""The verb with a study of one figure."""

from importlib import import_module

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.commands.reproduce import STUDIES


@pytest.fixture
def run(tiny_release, tmp_path):
    def invoke(*words):
        command = ["reproduce", *words, "--data", tiny_release, "-o", tmp_path / "results"]
        return CliRunner().invoke(main, [*map(str, command)])

    return invoke


@pytest.fixture
def done(monkeypatch):
    """The studies that were asked for; none is really done."""
    studies = []
    for name in STUDIES:
        word = name.replace("-", "_")
        module = import_module(f"sonar_debris.reproduce.{word}")
        monkeypatch.setattr(module, f"reproduce_{word}", studies.append)
    return studies


def test_a_study(run, done, tiny_release, tmp_path):
    result = run("transfer", "--quick", "--seed", 4, "--precision", "mixed_bfloat16")

    assert result.exit_code == 0, result.output
    assert result.stdout == f"transfer (quick: the figures mean little): see {tmp_path}/results/transfer/report.md\n"
    (study,) = done
    assert (study.root, study.folder) == (tiny_release, tmp_path / "results" / "transfer")
    assert (study.quick, study.seed, study.precision) == (True, 4, "mixed_bfloat16")


def test_all_studies(run, done, tmp_path):
    result = run("all")

    assert result.exit_code == 0, result.output
    assert [study.folder.name for study in done] == list(STUDIES)
    assert result.stdout.splitlines()[0] == f"classification: see {tmp_path}/results/classification/report.md"


@pytest.mark.parametrize("words", [("nothing",), ("transfer", "--seed", -1), ("transfer", "--precision", "int8")])
def test_wrong_usage(run, words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("name", ["all", *STUDIES])
def test_help_has_an_example(name):
    result = CliRunner().invoke(main, ["reproduce", name, "--help"])

    assert f"sonar-debris reproduce {name} " in result.output
