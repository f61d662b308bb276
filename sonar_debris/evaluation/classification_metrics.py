"""Metrics of a crop classifier: accuracy, precision and recall by class, confusion matrix and calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.release import crop_class_names, load_crop, read_crops
from sonar_debris.datasets.splits import select_crops
from sonar_debris.datasets.training_set import Selection
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.calibration import expected_calibration_error


@dataclass(frozen=True)
class ClassificationMetrics:
    """How well a classifier predicts the labels. Shares are in [0, 1]; dictionaries are keyed by class name.

    Attributes:
        crops: number of crops of each class.
        accuracy: share of crops whose most probable class is the true class.
        calibration_error: expected calibration error of the most probable class.
        precision: share of the crops predicted as a class that are of the class; 0 if there are none.
        recall: share of the crops of a class that are predicted as the class; 0 if there are none.
        f1: harmonic mean of precision and recall.
        confusion: ``(K, K)`` numbers of crops: a row per true class, a column per predicted class.
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
    """Compare a classifier's probabilities with the true classes.

    Args:
        class_id: ``(N,)`` true indices into ``class_names``.
        probability: ``(N, K)`` in [0, 1]; each row sums to 1.
        class_names: the K names.

    Returns:
        The metrics.

    Raises:
        SonarDebrisError: N = 0, so nothing can be scored.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    if not len(class_id):
        raise SonarDebrisError("nothing to score: no crop was chosen. Received: 0 crops")
    labels = np.arange(len(class_names))
    predicted = probability.argmax(axis=1)
    precision, recall, f1, crops = precision_recall_fscore_support(class_id, predicted, labels=labels, zero_division=0)
    return ClassificationMetrics(
        crops=dict(zip(class_names, crops.tolist(), strict=True)),
        accuracy=float(accuracy_score(class_id, predicted)),
        calibration_error=expected_calibration_error(probability.max(axis=1), predicted == class_id),
        precision=dict(zip(class_names, precision.tolist(), strict=True)),
        recall=dict(zip(class_names, recall.tolist(), strict=True)),
        f1=dict(zip(class_names, f1.tolist(), strict=True)),
        confusion=confusion_matrix(class_id, predicted, labels=labels).tolist(),
    )


def load_crops(selection: Selection, class_names: Sequence[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Read the labelled crops of a selection.

    Args:
        selection: the crops to read.
        class_names: the classes of the classifier.

    Returns:
        N images ``(rows, cols)`` float32 in [0, 1], turned as objects lie in frames, and their indices into
        ``class_names`` ``(N,)``.

    Raises:
        SonarDebrisError: ``class_names`` lacks a class of the crops, or there is no such part.
    """
    crop_names = crop_class_names(selection.root)
    missing = [name for name in crop_names if name not in class_names]
    if missing:
        raise SonarDebrisError(f"the classifier has no class {', '.join(missing)}; choose another --model")
    crops = select_crops(selection.root, read_crops(selection.root), selection.split, selection.parts)
    class_id = np.array([class_names.index(crop_names[crop.class_id]) for crop in crops], np.int64)
    return [load_crop(crop) for crop in crops], class_id
