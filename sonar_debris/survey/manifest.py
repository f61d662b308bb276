"""What a survey was run with: a survey that goes on must go on with the same."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sonar_debris import __version__
from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import atomic_text

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector

MANIFEST_FILE = "manifest.json"


def describe_run(detector: "DebrisDetector", folder: Path, options: dict) -> dict:
    """The manifest of a run.

    Args:
        detector: what searches.
        folder: of its model, whose files are hashed.
        options: what else decides the results.
    """
    import keras

    return {
        "version": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "model": detector.name,
        "model_sha256": hash_model(folder),
        "classes": list(detector.class_names),
        "min_score": round(detector.min_score, 6),
        **options,
    }


def check_manifest(folder: Path, manifest: dict, inputs: list[str]) -> None:
    """Write the manifest of a survey that begins; of one that goes on see that it is the same, and add its inputs.

    Raises:
        SonarDebrisError: the survey was begun with something else, which is named.
    """
    path = folder / MANIFEST_FILE
    known = read_manifest(folder) if path.is_file() else {}
    before = known.pop("inputs", [])
    differences = [f"{key}: {known.get(key)} → {value}" for key, value in manifest.items() if known.get(key) != value]
    if known and differences:
        raise SonarDebrisError(
            f"{folder}: begun with something else ({'; '.join(differences)}); "
            "choose another folder, or --overwrite to begin anew"
        )
    with atomic_text(path) as stream:
        json.dump(manifest | {"inputs": list(dict.fromkeys([*before, *inputs]))}, stream, indent=1)


def read_manifest(folder: Path) -> dict:
    """The manifest of a survey that was begun.

    Raises:
        SonarDebrisError: it is damaged or missing.
    """
    path = folder / MANIFEST_FILE
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise SonarDebrisError(f"{path}: damaged ({error}); survey run --overwrite begins anew") from error


def hash_model(folder: Path) -> str:
    """SHA-256 of all files of a model's folder, with their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".keras", ".json"):
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
