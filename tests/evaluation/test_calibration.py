import numpy as np
import pytest

from sonar_debris.evaluation.calibration import (
    cross_fitted_calibration_error,
    detection_calibration_error,
    expected_calibration_error,
    fit_calibration,
)


@pytest.mark.parametrize(
    ("score", "correct", "error"),
    [
        ([1, 1], [True, True], 0),
        ([1, 1], [False, False], 1),
        ([0.75] * 4, [True, True, True, False], 0),  # confidence 0.75, accuracy 0.75
        ([0.75] * 4, [True, False, True, False], 0.25),
        # the gaps of two bins must not cancel: confidence 0.9 and wrong (0.9), 0.6 and right (0.4)
        ([0.9, 0.6], [False, True], 0.65),
    ],
)
def test_calibration_error_on_paper(score, correct, error):
    assert expected_calibration_error(np.array(score), np.array(correct)) == pytest.approx(error)


def test_bins_are_closed_on_the_right():
    # with two bins 0.5 falls in the lower one, apart from 0.6: |1 - 0.5| / 2 + |0 - 0.6| / 2
    score, correct = np.array([0.5, 0.6]), np.array([True, False])

    assert expected_calibration_error(score, correct, bins=2) == pytest.approx(0.55)


def test_the_map_corrects_overconfident_scores():
    rng = np.random.default_rng(0)
    score = rng.random(4000)
    correct = rng.random(4000) < score**2
    fresh = rng.random(4000)

    mapped = np.interp(fresh, *fit_calibration(score, correct))

    assert expected_calibration_error(score, correct) > 0.15
    assert expected_calibration_error(mapped, rng.random(4000) < fresh**2) < 0.05


@pytest.mark.parametrize(
    ("score", "correct"),
    [
        ([], []),
        ([0.3], [True]),
        ([0.5, 0.5, 0.5], [True, False, True]),
        ([0.0, 1.0], [True, False]),
        ([0.1, 0.2, 0.9], [False, False, False]),
        ([0.12345671, 0.12345672, 0.8], [False, True, True]),
    ],
)
def test_the_map_rises_strictly_from_0_to_1(score, correct):
    x, y = fit_calibration(np.array(score, float), np.array(correct, bool))

    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (np.diff(x) > 0).all() and (np.diff(y) > 0).all()


def test_detections_of_low_score_are_left_out():
    score = np.array([0.05] * 100 + [0.8])
    correct = np.array([False] * 100 + [True])

    assert detection_calibration_error(score, correct) == pytest.approx(0.2)
    assert detection_calibration_error(score[:100], correct[:100]) is None


def test_each_part_is_mapped_as_fitted_on_the_others():
    overconfident = np.full(100, 0.8), np.arange(100) < 40
    underconfident = np.full(100, 0.8), np.arange(100) < 90

    # 0.8 is mapped to 0.9 in the first part and to 0.4 in the second
    assert cross_fitted_calibration_error([overconfident, underconfident]) == pytest.approx(0.5, abs=0.01)
