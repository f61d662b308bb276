from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.thresholds import choose_thresholds

NAMES = ("can", "tire")
BOX = np.array([[0, 0, 10, 10]], np.float32)


def frame():
    return LabelledFrame("a", Path("a.png"), BOX, np.array([0]))


def found(*boxes_and_scores):
    xyxy = np.array([box for box, _ in boxes_and_scores], np.float32).reshape(-1, 4)
    score = np.array([score for _, score in boxes_and_scores], np.float32)
    return Detections(xyxy, score, np.zeros(len(score), np.int64), score, (*NAMES, "unknown"))


def test_scores_that_promise_too_much_are_mapped_down():
    # Of those that score 0.8 every second one is right, of those at 0.2 none.
    frames = [frame()] * 40
    hit, miss = (BOX[0], 0.8), (BOX[0] + 50, 0.8)
    detections = [found(hit if number % 2 else miss, (BOX[0] + 90, 0.2)) for number in range(40)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), [(frames, detections)])

    assert np.interp([0.8, 0.2], *settings.calibration) == pytest.approx([0.5, 0], abs=0.01)
    assert 0.01 < settings.min_score <= 0.5  # the threshold is one of calibrated scores
    assert settings.figures["validation_f1"] == pytest.approx(0.5)


@pytest.mark.parametrize(("right", "alternatives"), [(2, 0.1), (18, 0.25)])
def test_alternatives_stay_below_the_threshold(right, alternatives):
    # As many of twenty detections are right.
    detections = [found((BOX[0] + (0 if number < right else 50), 0.8)) for number in range(20)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), [([frame()] * 20, detections)])

    assert settings.alternatives == pytest.approx(alternatives, abs=0.02)
    assert settings.alternatives <= settings.min_score


def test_nothing_found_leaves_the_threshold():
    settings = choose_thresholds(SinglePassSettings("m", NAMES, min_score=0.25), [([frame()], [found()])])

    assert settings.min_score == 0.25
    assert settings.calibration == ((0, 1), (0, 1))


def test_what_error_is_left_on_another_fold_is_told():
    # Of what scores 0.8 all is right in one fold, nothing in the other.
    hit, miss = (BOX[0], 0.8), (BOX[0] + 50, 0.8)
    parts = [([frame()] * 5, [found(each)] * 5) for each in (hit, miss)]

    settings = choose_thresholds(SinglePassSettings("m", NAMES), parts)

    assert settings.figures["cross_fitted_calibration_error"] == pytest.approx(1, abs=0.01)
    assert np.interp(0.8, *settings.calibration) == pytest.approx(0.5, abs=0.01)
