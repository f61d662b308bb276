"""The numbers that belong to a trained pipeline, as stored in its ``model.json``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sonar_debris.errors import SonarDebrisError

FORMAT_VERSION = 1


@dataclass(frozen=True)
class PipelineSettings:
    """Settings of the sliding-window pipeline.

    Attributes:
        name: of the model.
        class_names: what the classifier names, in its order.
        step: every how many'th window of the dense objectness is scored (4 · step pixels of the pyramid).
        proposals: how many proposals a frame are refined.
        candidates: how many refined boxes a frame are refined again and named in detection.
        overlap: of two boxes with an IoU above this, the worse goes.
        min_probability: an object whose best class is less probable than this, given that it is one, is
            ``unknown``.
        min_score: detections below this score are left out, unless the user says otherwise.
        data: what it was trained on: split, folds or parts.
        training: the command and the seed that made it.
        figures: what was measured, by name.
    """

    name: str
    class_names: tuple[str, ...]
    step: int = 3
    proposals: int = 100
    candidates: int = 40
    overlap: float = 0.5
    min_probability: float = 0.4
    min_score: float = 0.3
    data: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "PipelineSettings":
        """Read ``model.json``.

        Raises:
            SonarDebrisError: it is missing, is not of this format, or misses a setting.
        """
        try:
            content = json.loads(path.read_text())
            if content.pop("format_version") != FORMAT_VERSION:
                raise ValueError("made by another version of sonar-debris")
            content["class_names"] = tuple(content["class_names"])
            return cls(**content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SonarDebrisError(f"{path}: not a model description ({error})") from error

    def save(self, path: Path) -> None:
        """Write ``model.json``."""
        path.write_text(json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, indent=1) + "\n")
