import logging
import os
import subprocess
import sys

import pytest

from sonar_debris import backend
from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError


@pytest.mark.parametrize("name", ["", "tensorflow", "torch"])
def test_installed_backend_is_accepted(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(backend, "find_spec", lambda name: name)

    backend.check_backend()


def test_no_choice_is_accepted(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    backend.check_backend()


@pytest.mark.parametrize(
    ("name", "message"),
    [("torch", "KERAS_BACKEND=torch: torch is not installed"), ("no.such", "KERAS_BACKEND=no.such: unknown backend")],
)
def test_unknown_or_missing_backend_is_refused(name, message, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    with pytest.raises(SonarDebrisError, match=message):
        backend.check_backend()


@pytest.mark.parametrize(("level", "output"), [("3", "after"), ("0", "duringafter")])
def test_file_descriptor_2_is_silent_inside_the_context(level, output, monkeypatch, capfd):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)

    with quiet_backend():
        os.write(2, b"during")
    os.write(2, b"after")

    assert capfd.readouterr().err == output


def test_tensorflow_logs_only_errors_afterwards(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    with quiet_backend():
        pass

    assert not logging.getLogger("tensorflow").isEnabledFor(logging.WARNING)
    assert logging.getLogger("tensorflow").isEnabledFor(logging.ERROR)


def test_missing_backend_is_reported_before_the_import(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "nosuch")

    with pytest.raises(SonarDebrisError, match="KERAS_BACKEND=nosuch"), quiet_backend():
        pytest.fail("the backend must not be imported")


def test_exceptions_are_raised_and_stderr_is_restored(capfd):
    with pytest.raises(ImportError), quiet_backend():
        raise ImportError
    os.write(2, b"after")

    assert capfd.readouterr().err == "after"


def test_loading_a_model_is_silent_in_a_fresh_process():
    code = "from sonar_debris import DebrisDetector; DebrisDetector.from_pretrained()"
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert result.stdout == result.stderr == ""
