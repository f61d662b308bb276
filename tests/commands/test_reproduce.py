"""``sonar-debris reproduce`` with studies that are not run."""

from importlib import import_module

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.reproduce import STUDIES


@pytest.fixture
def run(tiny_release, tmp_path):
    def invoke(*words):
        command = ["reproduce", *words, "--data", tiny_release, "-o", tmp_path / "results"]
        return CliRunner().invoke(main, [*map(str, command)])

    return invoke


@pytest.fixture
def started(monkeypatch):
    """The studies that were started; none is really run."""
    studies = []
    for location, _ in STUDIES.values():
        module, function = location.split(":")
        monkeypatch.setattr(import_module(module), function, studies.append)
    return studies


def test_options_are_passed_to_the_study(run, started, tiny_release, tmp_path):
    result = run("transfer", "--quick", "--seed", 4, "--precision", "mixed_bfloat16")

    assert result.exit_code == 0, result.output
    assert (
        result.stdout
        == f"transfer (quick run: the figures are not meaningful): see {tmp_path}/results/transfer/report.md\n"
    )
    (study,) = started
    assert (study.root, study.folder) == (tiny_release, tmp_path / "results" / "transfer")
    assert (study.quick, study.seed, study.precision) == (True, 4, "mixed_bfloat16")


def test_all_runs_every_study(run, started, tmp_path):
    result = run("all")

    assert result.exit_code == 0, result.output
    assert [study.folder.name for study in started] == list(STUDIES)
    assert result.stdout.splitlines()[0] == f"classification: see {tmp_path}/results/classification/report.md"


@pytest.mark.parametrize("words", [("nothing",), ("transfer", "--seed", -1), ("transfer", "--precision", "int8")])
def test_wrong_usage_exits_with_2(run, words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize("name", ["all", *STUDIES])
def test_help_has_an_example(name):
    result = CliRunner().invoke(main, ["reproduce", name, "--help"])

    assert f"sonar-debris reproduce {name} " in result.output
