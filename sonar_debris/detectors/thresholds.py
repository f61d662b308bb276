"""Calibrate a detector's scores and choose its score threshold on validation frames."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import ModelSettings
from sonar_debris.evaluation.average_precision import scored_hits
from sonar_debris.evaluation.calibration import IDENTITY, cross_fitted_calibration_error, fit_calibration
from sonar_debris.evaluation.detection_metrics import evaluate_detections, match_detections

# Validation frames and the detections in each.
ValidationPart = tuple[Sequence[LabelledFrame], Sequence[Detections]]
Settings = TypeVar("Settings", bound=ModelSettings)


def calibrate_on_validation(detector: DebrisDetector, settings: Settings, frames: Sequence[LabelledFrame]) -> Settings:
    """Detect debris in validation frames, and choose calibration and threshold with `choose_thresholds`.

    Args:
        detector: the detector to calibrate. Its own calibration and thresholds are not applied.
        settings: the model's settings.
        frames: validation frames.

    Returns:
        The settings with ``calibration``, ``min_score`` and validation figures.

    Raises:
        FrameReadError: a frame cannot be read.
    """
    uncalibrated = detector.with_settings(min_score=0.0, calibration=IDENTITY, alternative_max_score=0.0)
    return choose_thresholds(settings, [(frames, [uncalibrated.detect(frame.load()) for frame in frames])])


def choose_thresholds(settings: Settings, parts: Sequence[ValidationPart]) -> Settings:
    """Calibrate the scores, and choose the threshold of the best F1.

    Args:
        settings: the model's settings.
        parts: one part, or those of a cross-validation, each of another model: validation frames, and the detections in
            each, uncalibrated, of any score, and without alternative labels.

    Returns:
        The settings with ``calibration``, ``min_score`` and validation figures. With several parts the figures include
        the calibration error of each part if calibrated on the others.
    """
    class_names = settings.class_names
    hits = [scored_hits(match_detections(frames, detections, class_names)) for frames, detections in parts]
    scores = np.concatenate([score for score, _ in hits])
    calibration = fit_calibration(scores, np.concatenate([correct for _, correct in hits]))
    all_frames = [frame for frames, _ in parts for frame in frames]
    calibrated = [
        replace(frame_detections, score=np.interp(frame_detections.score, *calibration))
        for _, detections in parts
        for frame_detections in detections
    ]
    metrics = evaluate_detections(all_frames, calibrated, class_names)
    threshold = metrics.best.threshold  # None if there are no detections
    min_score = settings.min_score if threshold is None else math.floor(1000 * threshold) / 1000
    figures = {"validation_map50": metrics.map50, "validation_map": metrics.map50_95, "validation_f1": metrics.best.f1}
    calibration_error = cross_fitted_calibration_error(hits) if len(parts) > 1 else None
    if calibration_error is not None:
        figures["cross_fitted_calibration_error"] = calibration_error
    return replace(
        settings,
        calibration=calibration,
        min_score=min_score,
        # At the default threshold each object is reported once.
        alternative_max_score=min(settings.alternative_max_score, min_score),
        figures={**settings.figures, **{name: round(float(value), 4) for name, value in figures.items()}},
    )
