from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.thresholds import calibrate_on_validation, choose_thresholds

NAMES = ("can", "tire")
BOX = np.array([[0, 0, 10, 10]], np.float32)
# A box on the labelled can and one next to it, both with the score 0.8.
HIT, MISS = (BOX[0], 0.8), (BOX[0] + 50, 0.8)


def frame(path="a.png"):
    return LabelledFrame("a", Path(path), BOX, np.array([0]))


def cans(*boxes_and_scores):
    xyxy = np.array([box for box, _ in boxes_and_scores], np.float32).reshape(-1, 4)
    score = np.array([score for _, score in boxes_and_scores], np.float32)
    return Detections(xyxy, score, np.zeros(len(score), np.int64), score, (*NAMES, "unknown"))


def test_scores_that_are_too_high_are_mapped_down():
    # Every second detection that scores 0.8 is right, and none that scores 0.2.
    frames = [frame()] * 40
    detections = [cans(HIT if number % 2 else MISS, (BOX[0] + 90, 0.2)) for number in range(40)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), [(frames, detections)])

    assert np.interp([0.8, 0.2], *settings.calibration) == pytest.approx([0.5, 0], abs=0.01)
    assert 0.01 < settings.min_score <= 0.5  # the threshold applies to calibrated scores
    assert settings.figures["validation_f1"] == pytest.approx(0.5)


@pytest.mark.parametrize(("right", "alternative_max_score"), [(2, 0.1), (18, 0.25)])
def test_alternatives_stay_below_the_threshold(right, alternative_max_score):
    # Of twenty detections, this many are right.
    detections = [cans(HIT if number < right else MISS) for number in range(20)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), [([frame()] * 20, detections)])

    assert settings.alternative_max_score == pytest.approx(alternative_max_score, abs=0.02)
    assert settings.alternative_max_score <= settings.min_score


def test_without_detections_the_threshold_stays():
    settings = choose_thresholds(SinglePassSettings("m", NAMES, min_score=0.25), [([frame()], [cans()])])

    assert settings.min_score == 0.25
    assert settings.calibration == ((0, 1), (0, 1))


def test_calibration_error_is_measured_on_another_fold():
    # All detections that score 0.8 are right in one fold, and none in the other.
    parts = [([frame()] * 5, [cans(detection)] * 5) for detection in (HIT, MISS)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), parts)

    assert settings.figures["cross_fitted_calibration_error"] == pytest.approx(1, abs=0.01)
    assert np.interp(0.8, *settings.calibration) == pytest.approx(0.5, abs=0.01)


class Canned(DebrisDetector):
    """Return the same detections for every frame, and record the settings that they were asked for with."""

    def __init__(self, settings):
        self.settings = settings
        self.settings_in_use = []

    @classmethod
    def load(cls, folder):
        raise NotImplementedError

    def detect_batch(self, frames):
        self.settings_in_use.append(self.settings)
        return [cans(HIT) for _ in frames]

    def propose(self, frame):
        raise NotImplementedError


def test_a_detector_is_calibrated_on_its_uncalibrated_scores_of_any_height(write_frame):
    settings = SinglePassSettings("m", NAMES, min_score=0.9, calibration=((0.0, 1.0), (0.0, 0.5)))
    detector = Canned(settings)

    chosen = calibrate_on_validation(detector, settings, [frame(write_frame("a.png"))] * 3)

    (in_use,) = set(map(repr, detector.settings_in_use))
    assert in_use == repr(SinglePassSettings("m", NAMES, min_score=0.0, alternative_max_score=0.0))
    assert chosen.figures["validation_f1"] == 1
    assert np.interp(0.8, *chosen.calibration) > 0.99
    assert detector.settings == settings
