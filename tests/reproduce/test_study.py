import json

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.reproduce.study import ResultCache, Study, markdown_table, percent


def test_report_contains_its_command_line(tmp_path):
    study = Study(tmp_path, tmp_path, seed=3, command="sonar-debris reproduce x")

    study.write_report("Title", ["first", "second"], {"figure": 1})

    report = (tmp_path / "report.md").read_text()
    assert report.startswith("# Title\n\nMade by `sonar-debris reproduce x` (seed 3, float32;")
    assert report.endswith("\n\nfirst\n\nsecond\n")
    assert "Quick" not in report
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["command"], results["seed"], results["figure"]) == ("sonar-debris reproduce x", 3, 1)
    assert {"sonar_debris", "python", "keras"} < set(results["versions"])


def test_quick_report_warns_that_figures_are_not_meaningful(tmp_path):
    Study(tmp_path, tmp_path, quick=True).write_report("Title", [], {})

    assert "**Quick run" in (tmp_path / "report.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text())["quick"]


def test_folder_of_a_study_with_other_settings_is_refused(tmp_path):
    Study(tmp_path, tmp_path / "results", seed=0).open_cache("x", 1)

    Study(tmp_path, tmp_path / "results", seed=0).open_cache("x", 1)
    with pytest.raises(SonarDebrisError, match=r"other options \(seed: 0 → 1\)"):
        Study(tmp_path, tmp_path / "results", seed=1).open_cache("x", 1)


def test_table_cells_keep_their_format():
    table = markdown_table(["row", "a"], [["x", "98.20"], ["y", "1,000"]])

    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]] == [
        ["x", "98.20"],
        ["y", "1,000"],
    ]


@pytest.mark.parametrize(
    ("share", "deviation", "text"), [(None, None, "–"), (0.98249, None, "98.2"), (1.0, 0.0032, "100.0 ± 0.3")]
)
def test_percent_has_one_decimal(share, deviation, text):
    assert percent(share, deviation) == text


def test_unit_is_computed_once(tmp_path, capsys):
    calls = []

    def compute():
        calls.append(1)
        return {"accuracy": 0.5, "given": (1, 2)}

    for _ in range(2):
        cache = ResultCache(tmp_path / "cells", "study", 1)
        assert cache.get_or_compute("a", compute) == {"accuracy": 0.5, "given": [1, 2]}

    assert len(calls) == 1
    assert capsys.readouterr().err == "study 1/1  a  0 s, 0.0 min left\n"


def test_interrupted_unit_is_computed_again(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    cache = ResultCache(tmp_path, "study", 2)
    with pytest.raises(KeyboardInterrupt):
        cache.get_or_compute("a", interrupt)

    assert list(tmp_path.iterdir()) == []
    assert cache.get_or_compute("a", lambda: {"n": 1}) == {"n": 1}
    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 1}


def test_time_left_is_estimated_from_computed_units_only(tmp_path, monkeypatch, capsys):
    ResultCache(tmp_path, "study", 4).get_or_compute("a", dict)
    capsys.readouterr()
    times = iter([0, 30, 100, 190])
    monkeypatch.setattr("sonar_debris.reproduce.study.time.monotonic", lambda: next(times))
    cache = ResultCache(tmp_path, "study", 4)
    for name in "abc":
        cache.get_or_compute(name, dict)

    lines = capsys.readouterr().err.splitlines()
    assert lines == ["study 2/4  b  30 s, 1.0 min left", "study 3/4  c  90 s, 1.0 min left"]
