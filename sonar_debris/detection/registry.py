"""The shipped models by name."""

import os
from pathlib import Path

from sonar_debris.errors import SonarDebrisError

DEFAULT_MODEL = "single-pass"


def list_models() -> dict[str, Path]:
    """The folders of the shipped models by name, in order of name."""
    return {path.parent.name: path.parent for path in sorted(_shipped().glob("*/model.json"))}


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a shipped model by its name, or of any model by its path.

    Raises:
        SonarDebrisError: neither; the message lists the names there are.
    """
    models = list_models()
    if str(name_or_path) in models:
        return models[str(name_or_path)]
    # os.path, as Path.is_file raises for names that no file can have.
    if os.path.isfile(Path(name_or_path) / "model.json"):
        return Path(name_or_path)
    known = ", ".join(models) or "none shipped"
    raise SonarDebrisError(f"{name_or_path}: no such model; give a folder with a model.json, or one of: {known}")


def _shipped() -> Path:
    """``models/`` lies inside the installed package, and beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"
