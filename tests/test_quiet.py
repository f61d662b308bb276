import os

import pytest

from sonar_debris.quiet import quiet_backend


@pytest.mark.parametrize(("level", "shown"), [("3", "after"), ("0", "duringafter")])
def test_descriptor_2_is_turned_away_within(level, shown, monkeypatch, capfd):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)

    with quiet_backend():
        os.write(2, b"during")
    os.write(2, b"after")

    assert capfd.readouterr().err == shown


def test_exceptions_come_through(capfd):
    with pytest.raises(ImportError), quiet_backend():
        raise ImportError
    os.write(2, b"after")

    assert capfd.readouterr().err == "after"
