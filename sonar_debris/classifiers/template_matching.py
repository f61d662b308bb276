"""Template matching: a crop gets the class of the most similar stored crop.

Reference:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks,
    2016, doi:10.1109/OCEANS.2016.7761140.
"""

from typing import Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

SIMILARITIES = ("cross_correlation", "sum_of_squared_differences")
# Crops that are compared with all templates at a time, which bounds the memory.
CHUNK = 1024


class TemplateMatchingClassifier(ClassifierMixin, BaseEstimator):
    """Classify crops by their most similar template; a matrix product computes all similarities at once.

    Args:
        similarity: ``"cross_correlation"``, S = mean(T·I), or ``"sum_of_squared_differences"``,
            S = -mean((T - I)²), over the pixels of template T and crop I.
        normalised: whether to shift and scale each crop and each template to mean 0 and standard deviation 1 first.
            Otherwise the brightest template has the highest cross-correlation with every crop.
        templates_per_class: largest number of random templates per class; None uses all crops.
        random_state: seed or generator that chooses the templates, as elsewhere in scikit-learn.

    Attributes:
        classes_: ``(classes,)`` sorted labels.
        templates_: ``(templates, pixels)`` templates, sorted by class.
        template_class_: ``(templates,)`` indices of the templates' classes in ``classes_``.
        n_features_in_: number of pixels of a crop.

    Example:
        >>> crops = np.array([[0.0, 0, 1, 1], [1, 1, 0, 0]])
        >>> TemplateMatchingClassifier().fit(crops, ["far", "near"]).predict([[0.1, 0, 0.7, 0.9]])
        array(['far'], dtype='<U4')
    """

    def __init__(
        self,
        similarity: str = "cross_correlation",
        normalised: bool = True,
        templates_per_class: int | None = None,
        random_state: int | RandomState | None = None,
    ):
        self.similarity = similarity
        self.normalised = normalised
        self.templates_per_class = templates_per_class
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Choose the templates.

        Args:
            X: ``(crops, pixels)`` flattened crops of the same size.
            y: ``(crops,)`` labels.

        Returns:
            The classifier.

        Raises:
            ValueError: no such similarity, or less than one template per class.
        """
        if self.similarity not in SIMILARITIES:
            raise ValueError(f"similarity must be one of {', '.join(SIMILARITIES)}. Received: {self.similarity!r}")
        if self.templates_per_class is not None and self.templates_per_class < 1:
            raise ValueError(f"templates_per_class must be at least 1. Received: {self.templates_per_class}")
        pixels, labels = validate_data(self, X, y, dtype=(np.float32, np.float64))
        check_classification_targets(labels)
        self.classes_, class_id = np.unique(labels, return_inverse=True)
        order = check_random_state(self.random_state).permutation(len(pixels))
        chosen = [order[class_id[order] == index][: self.templates_per_class] for index in range(len(self.classes_))]
        self.template_class_ = np.repeat(np.arange(len(chosen)), [len(indices) for indices in chosen])
        self.templates_ = self._normalise(pixels[np.concatenate(chosen)])
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the highest similarity of each crop with the templates of each class.

        Args:
            X: ``(crops, pixels)``.

        Returns:
            ``(crops, classes)``; for two classes ``(crops,)``, the second class's similarity minus the first's.
        """
        similarity = self._class_similarity(X)
        return similarity[:, 1] - similarity[:, 0] if len(self.classes_) == 2 else similarity

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the labels ``(crops,)`` of the most similar templates; ties go to the first class."""
        similarity = self._class_similarity(X)
        return self.classes_[similarity.argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the softmax ``(crops, classes)`` of the highest similarities: ranked, but not calibrated."""
        return softmax(self._class_similarity(X), axis=1)

    def _class_similarity(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        pixels = self._normalise(validate_data(self, X, dtype=(np.float32, np.float64), reset=False))
        # The templates are sorted by class: these are the indices where the classes start.
        starts = np.searchsorted(self.template_class_, np.arange(len(self.classes_)))
        chunks = (pixels[start : start + CHUNK] for start in range(0, len(pixels), CHUNK))
        return np.concatenate(
            [np.maximum.reduceat(self._template_similarity(chunk), starts, axis=1) for chunk in chunks]
        )

    def _template_similarity(self, pixels: np.ndarray) -> np.ndarray:
        """Return the similarity ``(crops, templates)`` of crops ``(crops, pixels)`` with all templates."""
        product = pixels @ self.templates_.T / pixels.shape[1]
        if self.similarity == "cross_correlation":
            return product
        # (T - I)² = T² + I² - 2·T·I: only the last term depends on both images.
        return 2 * product - np.square(pixels).mean(axis=1)[:, None] - np.square(self.templates_).mean(axis=1)

    def _normalise(self, pixels: np.ndarray) -> np.ndarray:
        if not self.normalised:
            return pixels
        centred = pixels - pixels.mean(axis=1, keepdims=True)
        deviation = centred.std(axis=1, keepdims=True)
        # A flat crop stays 0: it is similar to no template.
        return centred / np.where(deviation > 0, deviation, 1)
