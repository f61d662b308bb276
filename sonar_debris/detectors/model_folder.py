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
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

from sonar_debris.datasets.training_set import TrainingDataDescription
from sonar_debris.errors import SonarDebrisError, printable_name
from sonar_debris.evaluation.calibration import IDENTITY, Calibration
from sonar_debris.files import atomic_text, check_regular_file
from sonar_debris.frames.conditions import SonarConditions

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
# Largest value of settings that are numbers of boxes or steps.
_MAX_COUNT = 10_000
# The intercept and the features of `sonar_debris.detectors.single_pass.contrast`; and the largest size of a weight.
OBJECT_WEIGHTS, MAX_WEIGHT = 9, 1e6


def bounded(default: Any, lowest: float, highest: float) -> Any:
    """Return the field of a setting whose value is checked when ``model.json`` is read.

    Args:
        default: value of a setting that the file lacks; its type is that of the setting.
        lowest: lowest valid value.
        highest: highest valid value.

    Returns:
        The field, for the body of a dataclass.
    """
    return field(default=default, metadata={"bounds": (lowest, highest)})


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
        unknown_min_score: a box that scores less than ``min_score`` with its best class is reported as ``unknown`` if
            it scores this or more as an object of any class; 1 reports none.
        object_weights: what that score is computed with, in a single-pass model: an intercept and a weight for each of
            `sonar_debris.detectors.single_pass.contrast.FEATURES`. By default it is the calibrated objectness.
        alternative_max_score: highest score of an alternative label. Alternative labels are reported only if
            ``min_score`` is lower than this; 0 reports one label per object.
        data: what the model was trained on: split, folds or parts. `training_data` returns what evaluations need.
        training: the command that trained the model, its seed and its configuration.
        figures: measured metrics by name.
        conditions: sonar and ranges of the training frames; None if they are not known.
    """

    kind: ClassVar[str]

    name: str
    class_names: tuple[str, ...]
    nms_iou: float = bounded(0.5, 0, 1)
    min_probability: float = bounded(0.4, 0, 1)
    calibration: Calibration = IDENTITY
    min_score: float = bounded(0.3, 0, 1)
    unknown_min_score: float = bounded(1.0, 0, 1)
    object_weights: tuple[float, ...] = ()
    alternative_max_score: float = bounded(0.0, 0, 1)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    conditions: SonarConditions | None = None

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
            unknown = settings.keys() - {setting.name for setting in fields(cls)}
            if unknown:
                raise ValueError(f"unknown settings: {', '.join(sorted(unknown))!r:.200}")
            settings["name"] = _check_text(settings["name"])
            settings["class_names"] = check_class_names(settings["class_names"])
            if "calibration" in settings:
                settings["calibration"] = _parse_calibration(settings["calibration"])
            settings["object_weights"] = _parse_weights(settings.get("object_weights", ()))
            if settings.get("conditions") is not None:
                settings["conditions"] = SonarConditions.from_json(settings["conditions"])
            return cls(**settings)._check_values()
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
            raise _invalid(path, error) from error

    def save(self, path: Path) -> None:
        """Write ``model.json`` atomically."""
        content = {"format_version": FORMAT_VERSION, "kind": self.kind, **asdict(self)}
        with atomic_text(path) as stream:
            stream.write(json.dumps(content, indent=1) + "\n")

    def _check_values(self) -> Self:
        """Check the type of each value that is not checked yet, by the default of its setting, and its bounds."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            valid = True
            if isinstance(setting.default, bool):
                valid = isinstance(value, bool)
            elif isinstance(setting.default, float):
                valid = _is_number(value)
            elif isinstance(setting.default, int):
                valid = isinstance(value, int) and not isinstance(value, bool)
            elif setting.default_factory is dict:
                valid = isinstance(value, Mapping)
            if not valid:
                raise ValueError(f"invalid {setting.name}: {value!r:.200}")
            lowest, highest = setting.metadata.get("bounds", (None, None))
            if lowest is not None and not lowest <= value <= highest:
                raise ValueError(f"{setting.name} must lie in [{lowest}, {highest}], not {value!r:.200}")
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

    step: int = bounded(3, 1, 100)
    proposals: int = bounded(100, 1, _MAX_COUNT)
    candidates: int = bounded(40, 1, _MAX_COUNT)


@dataclass(frozen=True)
class SinglePassSettings(ModelSettings):
    """Settings of the single-pass detector.

    Attributes:
        candidates: largest number of boxes per frame after non-maximum suppression.
    """

    kind: ClassVar[str] = "single-pass"

    alternative_max_score: float = bounded(0.25, 0, 1)
    candidates: int = bounded(100, 1, _MAX_COUNT)


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
        raise SonarDebrisError(f"{path}: kind {kind!r:.200} is not one of {', '.join(kinds)}")
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


def _check_text(text: Any) -> str:
    """Return a text that can be printed and written as UTF-8."""
    if not isinstance(text, str) or not printable_name(text) == text:
        raise ValueError(f"not a text that can be printed: {text!r:.200}")
    return text


def check_class_names(names: Any) -> tuple[str, ...]:
    """Return class names, if they are different texts that can be printed.

    Raises:
        ValueError: they are not.
    """
    if not isinstance(names, list | tuple):
        raise ValueError(f"class_names must be a list of texts, not {names!r:.200}")
    class_names = tuple(map(_check_text, names))
    if len(set(class_names)) < len(class_names):
        raise ValueError("class_names must differ from each other")
    return class_names


def _parse_calibration(knots: Any) -> Calibration:
    """Check that there are two rising lists of equal length: `numpy.interp` would not."""
    if not isinstance(knots, list) or len(knots) != 2 or not all(isinstance(part, list) for part in knots):
        raise ValueError("the calibration must be two lists of numbers")
    for part in knots:
        if not all(_is_number(knot) and 0 <= knot <= 1 for knot in part):
            raise ValueError("the calibration must be numbers in [0, 1]")
        if len(part) < 2 or not all(low <= high for low, high in pairwise(part)):
            raise ValueError("the calibration must rise")
    before, after = (tuple(map(float, part)) for part in knots)
    if len(before) != len(after):
        raise ValueError("the two parts of the calibration differ in length")
    return before, after


def _parse_weights(weights: Any) -> tuple[float, ...]:
    """Check that there are no weights, or the intercept and one finite weight for each feature."""
    if not isinstance(weights, list | tuple) or len(weights) not in (0, OBJECT_WEIGHTS):
        raise ValueError(f"object_weights must be {OBJECT_WEIGHTS} numbers, or none")
    if not all(_is_number(weight) and abs(weight) < MAX_WEIGHT for weight in weights):
        raise ValueError(f"object_weights must be numbers of less than {MAX_WEIGHT:g}")
    return tuple(map(float, weights))


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
