import logging
import os
import subprocess
import sys

import pytest

from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError


@pytest.mark.parametrize(("level", "shown"), [("3", "after"), ("0", "duringafter")])
def test_descriptor_2_is_turned_away_within(level, shown, monkeypatch, capfd):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)

    with quiet_backend():
        os.write(2, b"during")
    os.write(2, b"after")

    assert capfd.readouterr().err == shown


def test_warnings_of_tensorflow_are_not_shown(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    with quiet_backend():
        pass

    assert not logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)
    assert logging.getLogger("tensorflow").isEnabledFor(logging.ERROR)


def test_a_backend_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "nosuch")

    with pytest.raises(SonarDebrisError, match="KERAS_BACKEND=nosuch"), quiet_backend():
        pytest.fail("the backend must not be imported")


def test_exceptions_come_through(capfd):
    with pytest.raises(ImportError), quiet_backend():
        raise ImportError
    os.write(2, b"after")

    assert capfd.readouterr().err == "after"


def test_loading_a_model_is_silent_in_a_fresh_process():
    code = "from sonar_debris import DebrisDetector; DebrisDetector.from_pretrained()"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert done.stdout == done.stderr == ""
