"""Loading the detector that a verb was asked to use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sonar_debris.commands.messages import one_line
from sonar_debris.errors import SonarDebrisError
from sonar_debris.quiet import quiet_backend

if TYPE_CHECKING:
    from sonar_debris.detection.detector import DebrisDetector


def load_detector(model: str, min_score: float | None) -> DebrisDetector:
    """Load a detector, whose every failure to load is one line.

    Args:
        model: name of a shipped model, or the folder of another.
        min_score: lower scores are left out; None for the model's own threshold.

    Raises:
        SonarDebrisError: there is no such model, or it is damaged.
    """
    with quiet_backend():
        from sonar_debris.detection.detector import DebrisDetector
    try:
        return DebrisDetector.from_pretrained(model, min_score=min_score)
    except SonarDebrisError:
        raise
    except Exception as error:  # a damaged file leads the readers of weights to errors of any type
        raise SonarDebrisError(
            f"{model}: the model cannot be loaded ({one_line(error)}); is its folder whole?"
        ) from error
