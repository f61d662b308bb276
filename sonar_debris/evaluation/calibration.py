"""Do scores mean what they say? How far they do not, and the map that mends it."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.detectors.model_folder import IDENTITY, Calibration

# Hundreds of boxes a frame score next to nothing and are nothing: counted in, they would make any score look honest.
CALIBRATED_FROM = 0.1
# Between two scores that are right equally often the better is still the better: the map rises everywhere.
SLOPE = 1e-3
# A weight so large that it hardly holds the fit back, only keeps it finite where the scores tell right from wrong.
WEAK = 1e3
# Between these scores, evenly spaced in their log-odds, the map is linear.
KNOTS = (1 / (1 + np.exp(-np.linspace(-7, 7, 141)))).round(6)


def expected_calibration_error(score: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy: Σ over bins of ``n_b / N · |accuracy_b - confidence_b|``.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599, equation 3.

    Args:
        score: ``(N,)`` confidences in [0, 1], N ≥ 1.
        correct: ``(N,)`` whether each was right.
        bins: number of bins of equal width, each closed on the right.

    Returns:
        The error in [0, 1]; 0 is perfectly calibrated.
    """
    bin_of = np.maximum(np.ceil(score * bins).astype(int) - 1, 0)
    return float(np.abs(np.bincount(bin_of, weights=correct - score)).sum() / len(score))


def detection_calibration_error(score: np.ndarray, correct: np.ndarray) -> float | None:
    """The expected calibration error of what scores ``CALIBRATED_FROM`` or more; None where nothing does."""
    counted = score >= CALIBRATED_FROM
    return expected_calibration_error(score[counted], correct[counted]) if counted.any() else None


def cross_fitted_calibration_error(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """The error on places never seen: each part's scores are mapped as suits the other parts, then all count together.

    Args:
        parts: two or more parts' scores ``(N,)``, and whether each was right.
    """
    mapped = []
    for held, (score, _) in enumerate(parts):
        others = (part for number, part in enumerate(parts) if number != held)
        mapped.append(np.interp(score, *fit_calibration(*map(np.concatenate, zip(*others, strict=True)))))
    return detection_calibration_error(np.concatenate(mapped), np.concatenate([correct for _, correct in parts]))


def fit_calibration(score: np.ndarray, correct: np.ndarray) -> Calibration:
    """The sigmoid of the scores' log-odds that says best how many are right (Platt scaling).

    Two numbers to fit: a free map (isotonic regression) learns the validation's layouts by heart.
    Platt, Probabilistic Outputs for Support Vector Machines, 1999.

    Args:
        score: ``(N,)`` scores in [0, 1].
        correct: ``(N,)`` whether each was right.

    Returns:
        Scores and what they are mapped to, both strictly rising from 0 to 1, for `numpy.interp`; the
        identity for N = 0.
    """
    if not len(score):
        return IDENTITY
    y = (1 - SLOPE) * _fit_sigmoid(score, correct) + SLOPE * KNOTS
    return (0.0, *KNOTS.tolist(), 1.0), (0.0, *y.round(9).tolist(), 1.0)


def _fit_sigmoid(score: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """The shares of right ones at ``KNOTS``: the same everywhere where higher scores are not right more often."""
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression

    flat = np.full(len(KNOTS), correct.mean())
    if flat[0] in (0, 1):
        return flat
    odds = logit(np.clip(score, KNOTS[0], KNOTS[-1]))
    fitted = LogisticRegression(C=WEAK).fit(odds[:, None], correct)
    return fitted.predict_proba(logit(KNOTS)[:, None])[:, 1] if fitted.coef_[0, 0] > 0 else flat
