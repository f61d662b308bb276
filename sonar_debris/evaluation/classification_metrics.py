"""The figures of a crop classifier: accuracy, per-class figures, confusion and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.calibration import expected_calibration_error


@dataclass(frozen=True)
class ClassificationMetrics:
    """How well probabilities meet the labels. Shares are in [0, 1]; dictionaries are keyed by class name.

    Attributes:
        crops: number of crops of each class.
        accuracy: share of crops whose likeliest class is theirs.
        calibration_error: expected calibration error of the likeliest class.
        precision: share of the crops given a class that are of it; 0 where none was given it.
        recall: share of the crops of a class that were given it; 0 where there are none.
        f1: harmonic mean of both.
        confusion: ``(K, K)`` number of crops: row the true class, column the class given.
    """

    crops: dict[str, int]
    accuracy: float
    calibration_error: float
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    confusion: list[list[int]]


def classification_metrics(
    class_id: np.ndarray, probability: np.ndarray, class_names: Sequence[str]
) -> ClassificationMetrics:
    """Score a classifier's probabilities.

    Args:
        class_id: ``(N,)`` true indices into ``class_names``.
        probability: ``(N, K)`` in [0, 1], each row adding up to 1.
        class_names: the K names.

    Returns:
        The figures.

    Raises:
        SonarDebrisError: when there is no crop, for then there is nothing to score.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    if not len(class_id):
        raise SonarDebrisError("nothing to score: no crop was chosen. Received: 0 crops")
    labels = np.arange(len(class_names))
    given = probability.argmax(axis=1)
    *shares, crops = precision_recall_fscore_support(class_id, given, labels=labels, zero_division=0)
    precision, recall, f1 = (dict(zip(class_names, share.tolist(), strict=True)) for share in shares)
    return ClassificationMetrics(
        crops=dict(zip(class_names, crops.tolist(), strict=True)),
        accuracy=float(accuracy_score(class_id, given)),
        calibration_error=expected_calibration_error(probability.max(axis=1), given == class_id),
        precision=precision,
        recall=recall,
        f1=f1,
        confusion=confusion_matrix(class_id, given, labels=labels).tolist(),
    )
