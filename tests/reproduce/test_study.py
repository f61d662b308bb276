import json

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.reproduce.study import Study, markdown_table, percent, pooled_accuracy


def test_a_report_names_its_command(tmp_path):
    study = Study(tmp_path, tmp_path, seed=3, command="sonar-debris reproduce x")

    study.write("Title", ["one", "two"], {"figure": 1})

    report = (tmp_path / "report.md").read_text()
    assert report.startswith("# Title\n\nMade by `sonar-debris reproduce x` (seed 3, float32;")
    assert report.endswith("\n\none\n\ntwo\n")
    assert "Quick" not in report
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["command"], results["seed"], results["figure"]) == ("sonar-debris reproduce x", 3, 1)
    assert {"sonar_debris", "python", "keras"} < set(results["versions"])


def test_a_quick_report_says_so(tmp_path):
    Study(tmp_path, tmp_path, quick=True).write("Title", [], {})

    assert "**Quick run" in (tmp_path / "report.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text())["quick"]


def test_a_folder_of_another_study_is_refused(tmp_path):
    Study(tmp_path, tmp_path / "results", seed=0).ledger("x", 1)

    Study(tmp_path, tmp_path / "results", seed=0).ledger("x", 1)
    with pytest.raises(SonarDebrisError, match="another seed"):
        Study(tmp_path, tmp_path / "results", seed=1).ledger("x", 1)


def test_numbers_stand_as_they_were_written():
    table = markdown_table(["row", "a"], [["x", "98.20"], ["y", "1,000"]])

    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]] == [
        ["x", "98.20"],
        ["y", "1,000"],
    ]


@pytest.mark.parametrize(
    ("share", "spread", "text"), [(None, None, "–"), (0.98249, None, "98.2"), (1.0, 0.0032, "100.0 ± 0.3")]
)
def test_percent(share, spread, text):
    assert percent(share, spread) == text


@pytest.mark.parametrize(
    ("tests", "text"),
    [
        ([([1, 0], [1, 1])], "50.0"),
        ([([1, 0], [1, 1]), ([1], [1])], "66.7 ± 35.4"),  # pooled, not the mean of 0.5 and 1
    ],
)
def test_pooled_accuracy(tests, text):
    cells = [
        {"given": given, "true": true, "accuracy": sum(g == t for g, t in zip(given, true, strict=True)) / len(true)}
        for given, true in tests
    ]

    assert pooled_accuracy(cells) == text
