"""The numbers that belong to a trained model, as stored in its ``model.json``.

MERGED:
The shipped models by name.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from sonar_debris.errors import SonarDebrisError

FORMAT_VERSION = 1
Calibration = tuple[tuple[float, ...], tuple[float, ...]]
IDENTITY: Calibration = ((0.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class ModelSettings:
    """What every kind of model has.

    Attributes:
        name: of the model.
        class_names: what it names, in the order of its network's outputs.
        overlap: of two boxes with an IoU above this, the worse goes.
        min_probability: an object whose best class is less probable than this, given that it is one, is
            ``unknown``.
        calibration: scores before calibration, and the share of detections with such a score that are right; both rise
            from 0 to 1, and what lies between them is interpolated.
        min_score: detections below this score are left out, unless the user says otherwise.
        alternatives: an object's other names, those that it may have instead, score at most this, and are told only if
            ``min_score`` is lower; 0 for one name an object.
        data: what it was trained on: split, folds or parts.
        training: the command and the seed that made it.
        figures: what was measured, by name.
    """

    kind: ClassVar[str]

    name: str
    class_names: tuple[str, ...]
    overlap: float = 0.5
    min_probability: float = 0.4
    calibration: Calibration = IDENTITY
    min_score: float = 0.3
    alternatives: float = 0.0
    data: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read ``model.json``.

        Raises:
            SonarDebrisError: it is missing, is not of this format or kind, or misses a setting.
        """
        try:
            content = _read(path)
            if content.pop("kind") != cls.kind:
                raise ValueError(f"of another kind than {cls.kind}")
            content["class_names"] = tuple(content["class_names"])
            if "calibration" in content:
                content["calibration"] = tuple(map(tuple, content["calibration"]))
            return cls(**content)
        except (ValueError, KeyError, TypeError) as error:
            raise SonarDebrisError(f"{path}: not a model description ({error})") from error

    def save(self, path: Path) -> None:
        """Write ``model.json``."""
        path.write_text(
            json.dumps({"format_version": FORMAT_VERSION, "kind": self.kind, **asdict(self)}, indent=1) + "\n"
        )


@dataclass(frozen=True)
class SlidingWindowSettings(ModelSettings):
    """Settings of the sliding-window pipeline.

    Attributes:
        step: every how many'th window of the dense objectness is scored (4 · step pixels of the pyramid).
        proposals: how many proposals a frame are refined.
        candidates: how many refined boxes a frame are refined again and named in detection.
    """

    kind: ClassVar[str] = "sliding-window"

    step: int = 3
    proposals: int = 100
    candidates: int = 40


@dataclass(frozen=True)
class SinglePassSettings(ModelSettings):
    """Settings of the single-pass detector.

    Attributes:
        candidates: how many boxes a frame, at most, are handed on.
    """

    kind: ClassVar[str] = "single-pass"

    alternatives: float = 0.25
    candidates: int = 100


def model_kind(path: Path) -> str:
    """What kind of model a ``model.json`` describes.

    Raises:
        SonarDebrisError: it is missing or not a model description.
    """
    return _read(path)["kind"]


def _read(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
        if content.pop("format_version") != FORMAT_VERSION:
            raise ValueError("made by another version of sonar-debris")
        # The first models were all of one kind, and do not tell it.
        return {"kind": SlidingWindowSettings.kind, **content}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SonarDebrisError(f"{path}: not a model description ({error})") from error


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
