import json
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.commands.models import folder_size, format_value
from sonar_debris.errors import SonarDebrisError


@pytest.fixture
def shipped_model(tmp_path, monkeypatch) -> None:
    """Ship one model, ``small``."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"data": {"split": "scene"}, "figures": {"mAP@0.5": 0.61}}))
    (folder / "README.md").write_text("# small\n\nA model card.\n")

    def find_model(name):
        if name != "small":
            raise SonarDebrisError(f"{name}: no such model; known: small")
        return folder

    registry = SimpleNamespace(list_models=lambda: {"small": folder}, find_model=find_model)
    monkeypatch.setitem(sys.modules, "sonar_debris.detectors.model_folder", registry)


@pytest.mark.usefixtures("shipped_model")
def test_list_has_name_size_data_and_figures():
    result = CliRunner().invoke(main, ["models", "list"])

    assert result.exit_code == 0
    for text in ("small", "0.0 MB", "split scene", "mAP@0.5 0.61"):
        assert text in result.stdout


@pytest.mark.usefixtures("shipped_model")
def test_show_prints_the_model_card():
    assert CliRunner().invoke(main, ["models", "show", "small"]).stdout == "# small\n\nA model card.\n"


@pytest.mark.usefixtures("shipped_model")
def test_unknown_model_is_refused():
    result = CliRunner().invoke(main, ["models", "show", "big"])

    assert result.exit_code == 2
    assert result.stderr == "error: big: no such model; known: small\n"


def test_folder_size_includes_subfolders(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.keras").write_bytes(bytes(1_000_000))
    (tmp_path / "deeper" / "b.keras").write_bytes(bytes(500_000))

    assert folder_size(tmp_path) == "1.5 MB"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ({}, ""),
        ("watertank", "watertank"),
        ({"split": "scene", "folds": [1, 2]}, "split scene, folds 1 2"),
    ],
)
def test_json_value_becomes_one_line(value, expected):
    assert format_value(value) == expected
