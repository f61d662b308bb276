import pytest

from sonar_debris import backend
from sonar_debris.errors import SonarDebrisError


@pytest.mark.parametrize("name", ["", "tensorflow", "torch"])
def test_installed_backend(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(backend, "find_spec", lambda name: name)

    backend.check_backend()


def test_none_chosen(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    backend.check_backend()


@pytest.mark.parametrize(
    ("name", "message"),
    [("torch", "KERAS_BACKEND=torch: torch is not installed"), ("no.such", "KERAS_BACKEND=no.such: no such backend")],
)
def test_backend_that_is_not_there(name, message, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    with pytest.raises(SonarDebrisError, match=message):
        backend.check_backend()
