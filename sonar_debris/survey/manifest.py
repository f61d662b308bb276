"""The manifest of a survey: the model, settings and versions that a resumed survey must match."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonar_debris import __version__
from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import atomic_text, describe_differences

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector

MANIFEST_FILE = "manifest.json"


def describe_run(detector: "DebrisDetector", model_sha256: str | None, options: Mapping[str, object]) -> dict[str, Any]:
    """Describe all that determines the results of a survey.

    Args:
        detector: the detector that processes the frames.
        model_sha256: hash of its model folder (`hash_model`); None if the detector was not loaded from a folder.
        options: further settings that the results depend on, with values that JSON can hold.

    Returns:
        The manifest, without the inputs.
    """
    with quiet_backend():
        import keras

    return {
        "version": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "model": detector.name,
        "model_sha256": model_sha256,
        "classes": list(detector.class_names),
        "min_score": round(detector.min_score, 6),
        **options,
    }


def check_manifest(folder: Path, manifest: Mapping[str, Any], inputs: Sequence[str]) -> None:
    """Write the manifest of a new survey, or check that a resumed survey has the same; add its inputs.

    Args:
        folder: the survey's folder.
        manifest: the manifest of this run, as `describe_run` returns it.
        inputs: the files and folders of this run. The manifest lists those of all runs.

    Raises:
        SonarDebrisError: the survey was started with other settings, which the message lists, or its manifest is
            damaged.
    """
    path = folder / MANIFEST_FILE
    earlier_inputs: list[str] = []
    if path.is_file():
        earlier_manifest = read_manifest(folder)
        earlier_inputs = earlier_manifest.pop("inputs", [])
        differences = describe_differences(earlier_manifest, manifest)
        if earlier_manifest and differences:
            raise SonarDebrisError(
                f"{folder}: holds a survey with other settings ({'; '.join(differences)}); "
                "choose another folder, or replace that survey with --overwrite"
            )
    with atomic_text(path) as stream:
        json.dump({**manifest, "inputs": list(dict.fromkeys([*earlier_inputs, *inputs]))}, stream, indent=1)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a survey.

    Raises:
        SonarDebrisError: the manifest is damaged or missing.
    """
    path = folder / MANIFEST_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SonarDebrisError(f"{path}: damaged ({error}); replace the survey with: survey run --overwrite") from error


def hash_model(folder: Path) -> str:
    """Return the SHA-256 hash of the names and contents of all files of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".keras", ".json"):
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
