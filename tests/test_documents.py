"""The code in the documents runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def code_blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_python_script_trains_evaluates_and_surveys(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = code_blocks("docs/python.md")[0]

    exec(compile(script, "docs/python.md", "exec"), {})

    printed = capsys.readouterr().out
    assert re.search(r"^mAP@0.5 [01]\.\d{3}$", printed, re.MULTILINE)
    assert re.search(r"^[a-z-]+ 0\.\d+ \d+$", printed, re.MULTILINE), "no object was printed"
    assert len([line for line in script.splitlines() if line and not line.startswith("#")]) <= 15
    assert (tmp_path / "my-model" / "detector.keras").is_file()


def test_the_detection_script_runs_on_the_sample(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    exec(compile(code_blocks("docs/python.md")[1], "docs/python.md", "exec"), {})

    assert len(capsys.readouterr().out.splitlines()) == 16
