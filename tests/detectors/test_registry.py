import pytest

from sonar_debris.detectors import model_folder as registry
from sonar_debris.errors import SonarDebrisError


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    for name in ("two", "one"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.json").write_text("{}")
    (folder / "unfinished").mkdir()
    monkeypatch.setattr(registry, "_shipped", lambda: folder)
    return folder


def test_models_are_listed_by_name(shipped):
    assert list(registry.list_models().items()) == [("one", shipped / "one"), ("two", shipped / "two")]


def test_model_is_found_by_name(shipped):
    assert registry.find_model("two") == shipped / "two"


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_model_is_found_by_path(kind, shipped, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.json").write_text("{}")

    assert registry.find_model(kind(tmp_path / "own")) == tmp_path / "own"


@pytest.mark.parametrize("name", ["three", "unfinished", "../one", "one/", "/", "\0", "x" * 5000, "~", "*", "one\ntwo"])
def test_other_names_are_refused_with_the_known_ones(name, shipped):
    with pytest.raises(SonarDebrisError, match=r"no such model; .*one of: one, two"):
        registry.find_model(name)


def test_nothing_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_shipped", lambda: tmp_path / "absent")

    assert registry.list_models() == {}
    with pytest.raises(SonarDebrisError, match="none shipped"):
        registry.find_model("sliding-window")
