"""Model folders: the settings in ``model.json``, the registry of detector kinds, and the shipped models by name.

A model folder holds ``model.json`` and the weights. The entry ``kind`` of ``model.json`` selects the detector class.
Other packages add kinds through entry points of the group ``sonar_debris.detectors``: the entry point's name is the
kind, its object is a subclass of `sonar_debris.detectors.base.DebrisDetector`.

Importing this module is cheap: a detector's own modules are imported when a model of its kind is loaded.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Self

from sonar_debris.datasets.training_set import TrainingDataDescription
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.calibration import IDENTITY, Calibration
from sonar_debris.files import atomic_text, check_regular_file

FORMAT_VERSION = 1
SETTINGS_FILE = "model.json"
DEFAULT_MODEL = "single-pass"

GROUP = "sonar_debris.detectors"
_BUILT_IN = {
    "single-pass": "sonar_debris.detectors.single_pass.detector:SinglePassDetector",
    "sliding-window": "sonar_debris.detectors.sliding_window.detector:SlidingWindowDetector",
}
# The first models were all of this kind; their files do not say so.
_FIRST_KIND = "sliding-window"
# Settings that had other names in earlier files.
_RENAMED = {"overlap": "nms_iou", "alternatives": "alternative_max_score"}


@dataclass(frozen=True)
class ModelSettings:
    """Settings that every kind of model has. A kind with more settings extends this class.

    Attributes:
        name: name of the model.
        class_names: the classes, in the order of the network's outputs.
        nms_iou: IoU threshold of non-maximum suppression.
        min_probability: an object is ``unknown`` if its best class is less probable than this, given that it is an
            object.
        calibration: scores before calibration, and the probability that a detection with such a score is right. Both
            rise from 0 to 1; the map is linear in between.
        min_score: detections below this score are left out, unless the user chooses another threshold.
        alternative_max_score: highest score of an alternative label. Alternative labels are reported only if
            ``min_score`` is lower than this; 0 reports one label per object.
        data: what the model was trained on: split, folds or parts. `training_data` returns what evaluations need.
        training: the command that trained the model, its seed and its configuration.
        figures: measured metrics by name.
    """

    kind: ClassVar[str]

    name: str
    class_names: tuple[str, ...]
    nms_iou: float = 0.5
    min_probability: float = 0.4
    calibration: Calibration = IDENTITY
    min_score: float = 0.3
    alternative_max_score: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def training_data(self) -> TrainingDataDescription:
        """The split that the model was trained on, and the part that was left out."""
        return TrainingDataDescription.from_json(self.data)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read ``model.json``; settings with the names of earlier versions are accepted.

        Raises:
            SonarDebrisError: the file is missing, is not of this format or kind, lacks a setting, or a setting has an
                invalid value.
        """
        try:
            content = _read(path)
            if content.pop("kind") != cls.kind:
                raise ValueError(f"its kind is not {cls.kind}")
            settings = {_RENAMED.get(name, name): value for name, value in content.items()}
            settings["class_names"] = _parse_class_names(settings["class_names"])
            if "calibration" in settings:
                settings["calibration"] = _parse_calibration(settings["calibration"])
            return cls(**settings)._check_types()
        except (ValueError, KeyError, TypeError) as error:
            raise _invalid(path, error) from error

    def save(self, path: Path) -> None:
        """Write ``model.json`` atomically."""
        content = {"format_version": FORMAT_VERSION, "kind": self.kind, **asdict(self)}
        with atomic_text(path) as stream:
            stream.write(json.dumps(content, indent=1) + "\n")

    def _check_types(self) -> Self:
        """Check the type of each value that is not checked yet, by the default of its setting."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(setting.default, float):
                valid = _is_number(value)
            elif isinstance(setting.default, int):
                valid = isinstance(value, int) and not isinstance(value, bool)
            elif setting.default_factory is dict:
                valid = isinstance(value, Mapping)
            else:
                valid = setting.name != "name" or isinstance(value, str)
            if not valid:
                raise ValueError(f"invalid {setting.name}: {value!r}")
        return self


@dataclass(frozen=True)
class SlidingWindowSettings(ModelSettings):
    """Settings of the sliding-window detector.

    Attributes:
        step: every step-th window of the dense objectness is scored (windows are 4 · step pixels of the pyramid apart).
        proposals: number of proposals per frame that are refined.
        candidates: number of refined boxes per frame that are refined again and classified.
    """

    kind: ClassVar[str] = "sliding-window"

    step: int = 3
    proposals: int = 100
    candidates: int = 40


@dataclass(frozen=True)
class SinglePassSettings(ModelSettings):
    """Settings of the single-pass detector.

    Attributes:
        candidates: largest number of boxes per frame after non-maximum suppression.
    """

    kind: ClassVar[str] = "single-pass"

    alternative_max_score: float = 0.25
    candidates: int = 100


def detector_kinds() -> dict[str, EntryPoint]:
    """Return the entry point of each kind's detector class: the built-in kinds, then those of other packages."""
    kinds = {name: EntryPoint(name, value, GROUP) for name, value in _BUILT_IN.items()}
    others = {point.name: point for point in entry_points(group=GROUP) if point.name not in kinds}
    return kinds | others


def read_kind(folder: Path) -> str:
    """Return the kind of the model in a folder: a key of `detector_kinds`.

    Raises:
        SonarDebrisError: ``model.json`` is missing, is not a model description, or is of an unknown kind.
    """
    path = folder / SETTINGS_FILE
    kind, kinds = _read(path)["kind"], detector_kinds()
    if not isinstance(kind, str) or kind not in kinds:
        raise SonarDebrisError(f"{path}: kind {kind!r} is not one of {', '.join(kinds)}")
    return kind


def _read(path: Path) -> dict[str, Any]:
    try:
        check_regular_file(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format_version") != FORMAT_VERSION:
            raise ValueError("made by another version of sonar-debris")
        return {"kind": _FIRST_KIND, **content}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _invalid(path, error) from error


def _invalid(path: Path, error: Exception) -> SonarDebrisError:
    reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
    return SonarDebrisError(f"{path}: not a model description ({reason})")


def _parse_class_names(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"class_names must be a list of texts, not {names!r}")
    return tuple(names)


def _parse_calibration(knots: Any) -> Calibration:
    """Check that there are two rising lists of equal length: `numpy.interp` would not."""
    before, after = (tuple(map(float, part)) for part in knots)
    for part in (before, after):
        pairs = zip(part, part[1:], strict=False)
        if len(part) < 2 or not all(low <= high for low, high in pairs):
            raise ValueError("the calibration must rise")
    if len(before) != len(after):
        raise ValueError("the two parts of the calibration differ in length")
    return before, after


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def list_models() -> dict[str, Path]:
    """Return the folders of the shipped models by name, sorted by name."""
    return {path.parent.name: path.parent for path in sorted(_shipped().glob(f"*/{SETTINGS_FILE}"))}


def find_model(name_or_path: str | Path) -> Path:
    """Return the folder of a shipped model, given by its name, or of any model, given by its path.

    Raises:
        SonarDebrisError: it is neither; the message lists the names of the shipped models.
    """
    models = list_models()
    if str(name_or_path) in models:
        return models[str(name_or_path)]
    # os.path, because Path.is_file raises an error for names that no file can have.
    if os.path.isfile(Path(name_or_path) / SETTINGS_FILE):
        return Path(name_or_path)
    names = ", ".join(models) or "none shipped"
    raise SonarDebrisError(f"{name_or_path}: no such model; give a folder with a model.json, or one of: {names}")


def _shipped() -> Path:
    """Return ``models/``, which is inside the installed package, or next to the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"
