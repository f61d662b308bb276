import time

import pytest

from sonar_debris.training import EpochLines


@pytest.mark.parametrize(
    ("first", "seconds", "line"),
    [
        (0, 30, "net epoch 1/5  loss 0.1235  mae 2.0000  2.0 min left\n"),
        (3, 60, "net epoch 4/5  loss 0.1235  mae 2.0000  1.0 min left\n"),  # resumed: three epochs cost no time
        (4, 60, "net epoch 5/5  loss 0.1235  mae 2.0000  0.0 min left\n"),
    ],
)
def test_one_line_an_epoch(first, seconds, line, monkeypatch, capsys):
    times = iter([1000, 1000 + seconds])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    lines = EpochLines("net")
    lines.set_params({"epochs": 5})

    lines.on_train_begin()
    lines.on_epoch_begin(first)
    lines.on_epoch_end(first, {"loss": 0.123456, "mae": 2, "learning_rate": 0.001})

    assert capsys.readouterr() == ("", line)
