"""Choose, on validation frames, what a detector's scores mean and from which score on a detection is handed on."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.detection.detections import Detections
from sonar_debris.detection.settings import ModelSettings
from sonar_debris.evaluation.calibration import fit_calibration
from sonar_debris.evaluation.detection_metrics import detection_metrics, match_detections, rename
from sonar_debris.evaluation.precision_recall import scored_hits

Settings = TypeVar("Settings", bound=ModelSettings)


def choose_thresholds(settings: Settings, frames: Sequence[LabelledFrame], found: Sequence[Detections]) -> Settings:
    """Calibrate the scores, and choose the threshold of the best F1.

    Args:
        settings: of the model.
        frames: validation frames.
        found: what the model, uncalibrated and without a threshold, found in each.

    Returns:
        The settings with ``calibration``, ``min_score``, and the validation figures.
    """
    named = [rename(one, settings.class_names) for one in found]
    calibration = fit_calibration(*scored_hits(match_detections(frames, named, settings.class_names)))
    calibrated = [replace(one, score=np.interp(one.score, *calibration)) for one in named]
    metrics = detection_metrics(frames, calibrated, settings.class_names)
    threshold = metrics.best.threshold  # None where nothing was named
    figures = {"validation_map50": metrics.map50, "validation_map": metrics.map50_95, "validation_f1": metrics.best.f1}
    return replace(
        settings,
        calibration=calibration,
        min_score=settings.min_score if threshold is None else math.floor(1000 * threshold) / 1000,
        figures=settings.figures | {name: round(float(value), 4) for name, value in figures.items()},
    )
