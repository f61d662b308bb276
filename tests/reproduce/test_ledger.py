import json

import pytest

from sonar_debris.reproduce.study import ResultCache


def test_each_unit_is_done_once(tmp_path, capsys):
    done = []

    def compute():
        done.append(1)
        return {"accuracy": 0.5, "given": (1, 2)}

    for _ in range(2):
        ledger = ResultCache(tmp_path / "cells", "study", 1)
        assert ledger.cell("a", compute) == {"accuracy": 0.5, "given": [1, 2]}

    assert len(done) == 1
    assert capsys.readouterr().err == "study 1/1  a  0 s, 0.0 min left\n"


def test_an_interrupted_unit_is_done_again(tmp_path):
    ledger = ResultCache(tmp_path, "study", 2)
    with pytest.raises(KeyboardInterrupt):
        ledger.cell("a", lambda: (_ for _ in ()).throw(KeyboardInterrupt))

    assert list(tmp_path.iterdir()) == []
    assert ledger.cell("a", lambda: {"n": 1}) == {"n": 1}
    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 1}


def test_time_left_counts_what_was_computed_only(tmp_path, monkeypatch, capsys):
    ResultCache(tmp_path, "study", 4).cell("a", dict)
    capsys.readouterr()
    times = iter([0, 30, 100, 190])
    monkeypatch.setattr("sonar_debris.reproduce.study.time.monotonic", lambda: next(times))
    ledger = ResultCache(tmp_path, "study", 4)
    for name in "abc":
        ledger.cell(name, dict)

    lines = capsys.readouterr().err.splitlines()
    assert lines == ["study 2/4  b  30 s, 1.0 min left", "study 3/4  c  90 s, 1.0 min left"]
