"""Expected calibration error, and the map of scores to probabilities that corrects it (Platt scaling)."""

from collections.abc import Sequence

import numpy as np

# Scores before calibration, and the probability that each is mapped to: both rise strictly from 0 to 1, and the map
# is linear in between.
Calibration = tuple[tuple[float, ...], tuple[float, ...]]
IDENTITY: Calibration = ((0.0, 1.0), (0.0, 1.0))

# Detections below this score are left out of the calibration error. A frame has hundreds of boxes that score almost 0
# and are wrong; with them, any scores would look well calibrated.
MIN_CALIBRATION_SCORE = 0.1
# Least slope of the map: a higher score stays higher, even where it is right no more often.
SLOPE = 1e-3
# Inverse strength of the regularisation: so weak that it only keeps the fit finite where the scores separate right
# and wrong.
WEAK_REGULARISATION = 1e3
# The map is linear between these scores, which are evenly spaced in their log-odds.
KNOTS = (1 / (1 + np.exp(-np.linspace(-7, 7, 141)))).round(6)


def expected_calibration_error(score: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy: Σ over bins of ``n_b / N · |accuracy_b - confidence_b|``.

    Args:
        score: ``(N,)`` confidences in [0, 1], N ≥ 1.
        correct: ``(N,)`` bool, whether each was right.
        bins: number of bins of equal width, each closed on the right.

    Returns:
        The error in [0, 1]; 0 is perfectly calibrated.

    Reference:
        Guo et al., On Calibration of Modern Neural Networks, 2017, arXiv:1706.04599, equation 3.

    Example:
        >>> expected_calibration_error(np.array([0.75] * 4), np.array([True, True, True, False]))
        0.0
    """
    bin_of = np.maximum(np.ceil(score * bins).astype(int) - 1, 0)
    return float(np.abs(np.bincount(bin_of, weights=correct - score)).sum() / len(score))


def detection_calibration_error(score: np.ndarray, correct: np.ndarray) -> float | None:
    """Return the expected calibration error of the detections that score `MIN_CALIBRATION_SCORE` or more.

    Args:
        score: ``(N,)`` scores in [0, 1].
        correct: ``(N,)`` bool, whether each detection was right.

    Returns:
        The error in [0, 1]; None if no detection scores that much.
    """
    counted = score >= MIN_CALIBRATION_SCORE
    return expected_calibration_error(score[counted], correct[counted]) if counted.any() else None


def cross_fitted_calibration_error(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Estimate the calibration error at new sites: the scores of each part are mapped as fitted on the other parts.

    Args:
        parts: two or more parts: scores ``(N,)``, and whether each detection was right ``(N,)``.

    Returns:
        The error of all mapped scores together; None if none is `MIN_CALIBRATION_SCORE` or more.
    """
    mapped = []
    for index, (part_score, _) in enumerate(parts):
        others = [part for other, part in enumerate(parts) if other != index]
        other_score = np.concatenate([score for score, _ in others])
        other_correct = np.concatenate([correct for _, correct in others])
        mapped.append(np.interp(part_score, *fit_calibration(other_score, other_correct)))
    return detection_calibration_error(np.concatenate(mapped), np.concatenate([correct for _, correct in parts]))


def fit_calibration(score: np.ndarray, correct: np.ndarray) -> Calibration:
    """Fit the sigmoid of the scores' log-odds that predicts best which detections are right (Platt scaling).

    The sigmoid has two parameters. A free map (isotonic regression) overfits to the layouts of the validation frames.

    Args:
        score: ``(N,)`` scores in [0, 1].
        correct: ``(N,)`` bool, whether each detection was right.

    Returns:
        Scores and the probabilities that they are mapped to, both strictly rising from 0 to 1, for `numpy.interp`;
        the identity if N = 0.

    Reference:
        Platt, Probabilistic Outputs for Support Vector Machines, 1999.
    """
    if not len(score):
        return IDENTITY
    probability = (1 - SLOPE) * _fit_sigmoid(score, correct) + SLOPE * KNOTS
    return (0.0, *KNOTS.tolist(), 1.0), (0.0, *probability.round(9).tolist(), 1.0)


def _fit_sigmoid(score: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Return the probability of being right at `KNOTS`: a constant if higher scores are not right more often."""
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    constant = np.full(len(KNOTS), correct.mean())
    if constant[0] in (0, 1):
        return constant
    log_odds = logit(np.clip(score, KNOTS[0], KNOTS[-1]))
    regression = LogisticRegression(C=WEAK_REGULARISATION).fit(log_odds[:, None], correct)
    return regression.predict_proba(logit(KNOTS)[:, None])[:, 1] if regression.coef_[0, 0] > 0 else constant
