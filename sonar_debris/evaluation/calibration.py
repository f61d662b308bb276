"""Do scores mean what they say? How far they do not, and the map that mends it."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.detection.settings import IDENTITY, Calibration

# Hundreds of boxes a frame score next to nothing and are nothing: counted in, they would make any score look honest.
CALIBRATED_FROM = 0.1
# Between two scores that are right equally often the better is still the better: the map rises everywhere.
SLOPE = 1e-3


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
    """The rising map from scores to the share of right ones that fits best (isotonic regression).

    Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates, 2002.

    Args:
        score: ``(N,)`` scores in [0, 1].
        correct: ``(N,)`` whether each was right.

    Returns:
        Scores and what they are mapped to, both strictly rising from 0 to 1, for `numpy.interp`; the
        identity for N = 0.
    """
    from sklearn.isotonic import IsotonicRegression

    if not len(score):
        return IDENTITY
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(score, correct)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    inner = (x > 0) & (x < 1)
    x, y = np.concatenate([[0], x[inner], [1]]), np.concatenate([[0], y[inner], [1]])
    # Rounded before the slope is added: what is stored must rise too.
    x, first = np.unique(x.round(6), return_index=True)
    y = (1 - SLOPE) * y[first].round(6) + SLOPE * x
    return tuple(x.tolist()), tuple(y.tolist())
