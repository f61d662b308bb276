"""Choose, on validation frames, what a detector's scores mean and from which score on a detection is handed on."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.detectors.model_folder import ModelSettings
from sonar_debris.evaluation.average_precision import scored_hits
from sonar_debris.evaluation.calibration import cross_fitted_calibration_error, fit_calibration
from sonar_debris.evaluation.detection_metrics import evaluate_detections, match_detections

Part = tuple[Sequence[LabelledFrame], Sequence[Detections]]
Settings = TypeVar("Settings", bound=ModelSettings)


def choose_thresholds(settings: Settings, parts: Sequence[Part]) -> Settings:
    """Calibrate the scores, and choose the threshold of the best F1.

    Args:
        settings: of the model.
        parts: validation frames, and what the model, uncalibrated and without a threshold, found in each, without
            alternatives; one part, or those of a cross-validation: what was found in each is then of another model.

    Returns:
        The settings with ``calibration``, ``min_score``, and the validation figures; of several parts these hold
        what calibration error is left where the calibration is of the other parts.
    """
    names = settings.class_names
    hits = [scored_hits(match_detections(*part, names)) for part in parts]
    calibration = fit_calibration(*map(np.concatenate, zip(*hits, strict=True)))
    frames, named = map(list, map(chain.from_iterable, zip(*parts, strict=True)))
    calibrated = [replace(one, score=np.interp(one.score, *calibration)) for one in named]
    metrics = evaluate_detections(frames, calibrated, names)
    threshold = metrics.best.threshold  # None where nothing was named
    figures = {"validation_map50": metrics.map50, "validation_map": metrics.map50_95, "validation_f1": metrics.best.f1}
    error = cross_fitted_calibration_error(hits) if len(parts) > 1 else None
    if error is not None:
        figures["cross_fitted_calibration_error"] = error
    min_score = settings.min_score if threshold is None else math.floor(1000 * threshold) / 1000
    return replace(
        settings,
        calibration=calibration,
        min_score=min_score,
        # By default an object is told once.
        alternatives=min(settings.alternatives, min_score),
        figures=settings.figures | {name: round(float(value), 4) for name, value in figures.items()},
    )
