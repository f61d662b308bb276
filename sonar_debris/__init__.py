"""Find and classify debris in forward-looking-sonar (FLS) frames.

The public API of the package. A name is imported on first use, so that ``import sonar_debris`` takes no time.

| task | names |
|---|---|
| read frames | `open_frames`, `Frame`, `FrameSelection`, `FrameReadError` |
| detect | `DebrisDetector`, `Detections` |
| read labels, simulate | `read_labels`, `LabelledFrame`, `simulate` |
| train and evaluate | `user_data`, `DetectorData`, `train_detector`, `TrainingConfig`, `evaluate_detections` |
| process whole dives | `run_survey`, `SurveyConfig`, `open_survey` |

Errors that the user can fix are `SonarDebrisError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame, read_labels
    from sonar_debris.detections import Detections
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.detectors.single_pass.training import DetectorData, train_detector, user_data
    from sonar_debris.errors import SonarDebrisError
    from sonar_debris.evaluation.detection_metrics import evaluate_detections
    from sonar_debris.frames import Frame, FrameReadError, FrameSelection, open_frames
    from sonar_debris.simulator.ground_truth import simulate
    from sonar_debris.survey.run import SurveyConfig, run_survey
    from sonar_debris.survey.store import open_survey
    from sonar_debris.training import TrainingConfig

__version__ = "0.1.0"

__all__ = [
    "DebrisDetector",
    "Detections",
    "DetectorData",
    "Frame",
    "FrameReadError",
    "FrameSelection",
    "LabelledFrame",
    "SonarDebrisError",
    "SurveyConfig",
    "TrainingConfig",
    "__version__",
    "evaluate_detections",
    "open_frames",
    "open_survey",
    "read_labels",
    "run_survey",
    "simulate",
    "train_detector",
    "user_data",
]

_MODULES = {
    "DebrisDetector": "detectors.base",
    "Detections": "detections",
    "DetectorData": "detectors.single_pass.training",
    "Frame": "frames",
    "FrameReadError": "frames",
    "FrameSelection": "frames",
    "LabelledFrame": "datasets.labels",
    "SonarDebrisError": "errors",
    "SurveyConfig": "survey.run",
    "TrainingConfig": "training",
    "evaluate_detections": "evaluation.detection_metrics",
    "open_frames": "frames",
    "open_survey": "survey.store",
    "read_labels": "datasets.labels",
    "run_survey": "survey.run",
    "simulate": "simulator.ground_truth",
    "train_detector": "detectors.single_pass.training",
    "user_data": "detectors.single_pass.training",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"sonar_debris.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
