"""Template matching: a crop gets the class of the stored crop that it resembles most.

Reference:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks,
    2016, doi:10.1109/OCEANS.2016.7761140.
"""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

SIMILARITIES = ("cross_correlation", "sum_of_squared_differences")
# Crops that are compared with all templates at a time: memory stays bounded however many there are.
CHUNK = 1024


class TemplateMatchingClassifier(ClassifierMixin, BaseEstimator):
    """Gives a crop the class of its most similar template, all similarities at once by a matrix product.

    Args:
        similarity: ``"cross_correlation"``, S = mean(T·I), or ``"sum_of_squared_differences"``,
            S = -mean((T - I)²), over the pixels of template T and crop I.
        normalised: whether each crop and each template has its mean subtracted and is divided by its standard
            deviation first; without, the brightest template has the highest cross-correlation with every crop.
        templates_per_class: random templates of a class at most; None for all crops given.
        random_state: decides which, as everywhere in scikit-learn.

    Attributes:
        classes_: ``(classes,)`` labels, sorted.
        templates_: ``(templates, pixels)`` the templates, in order of class.
        template_class_: ``(templates,)`` their indices into ``classes_``.
        n_features_in_: pixels of a crop.

    Example:
        >>> crops = np.array([[0.0, 0, 1, 1], [1, 1, 0, 0]])
        >>> TemplateMatchingClassifier().fit(crops, ["far", "near"]).predict([[0.1, 0, 0.7, 0.9]])
        array(['far'], dtype='<U4')
    """

    def __init__(self, similarity="cross_correlation", normalised=True, templates_per_class=None, random_state=None):
        self.similarity = similarity
        self.normalised = normalised
        self.templates_per_class = templates_per_class
        self.random_state = random_state

    def fit(self, X, y):
        """Choose the templates.

        Args:
            X: ``(crops, pixels)`` flattened crops, all of one size.
            y: ``(crops,)`` labels.

        Returns:
            The classifier.

        Raises:
            ValueError: another similarity, or fewer than one template a class.
        """
        if self.similarity not in SIMILARITIES:
            raise ValueError(f"similarity must be one of {', '.join(SIMILARITIES)}. Received: {self.similarity!r}")
        if self.templates_per_class is not None and self.templates_per_class < 1:
            raise ValueError(f"templates_per_class must be at least 1. Received: {self.templates_per_class}")
        X, y = validate_data(self, X, y, dtype=(np.float32, np.float64))
        check_classification_targets(y)
        self.classes_, class_id = np.unique(y, return_inverse=True)
        order = check_random_state(self.random_state).permutation(len(X))
        chosen = [order[class_id[order] == k][: self.templates_per_class] for k in range(len(self.classes_))]
        self.template_class_ = np.repeat(np.arange(len(chosen)), [len(each) for each in chosen])
        self.templates_ = self._prepare(X[np.concatenate(chosen)])
        return self

    def decision_function(self, X):
        """The highest similarity with a template of each class.

        Args:
            X: ``(crops, pixels)``.

        Returns:
            ``(crops, classes)``; of two classes, ``(crops,)``: that of the second less that of the first.
        """
        best = self._best(X)
        return best[:, 1] - best[:, 0] if len(self.classes_) == 2 else best

    def predict(self, X):
        """The label ``(crops,)`` of the most similar template of each crop; of equals, the first class."""
        best = self._best(X)
        return self.classes_[best.argmax(axis=1)]

    def predict_proba(self, X):
        """The highest similarities ``(crops, classes)`` with each class through softmax: ordered, not calibrated."""
        return softmax(self._best(X), axis=1)

    def _best(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = self._prepare(validate_data(self, X, dtype=(np.float32, np.float64), reset=False))
        # The templates stand in order of class: where each class begins.
        starts = np.searchsorted(self.template_class_, np.arange(len(self.classes_)))
        chunks = (X[begin : begin + CHUNK] for begin in range(0, len(X), CHUNK))
        return np.concatenate([np.maximum.reduceat(self._similarity(chunk), starts, axis=1) for chunk in chunks])

    def _similarity(self, X: np.ndarray) -> np.ndarray:
        """Of each crop with each template, ``(crops, templates)``."""
        product = X @ self.templates_.T / X.shape[1]
        if self.similarity == "cross_correlation":
            return product
        # (T - I)² = T² + I² - 2 T I, of which only the last is of two images.
        return 2 * product - np.square(X).mean(axis=1)[:, None] - np.square(self.templates_).mean(axis=1)

    def _prepare(self, X: np.ndarray) -> np.ndarray:
        if not self.normalised:
            return X
        X = X - X.mean(axis=1, keepdims=True)
        deviation = X.std(axis=1, keepdims=True)
        # A flat crop resembles nothing: it stays 0.
        return X / np.where(deviation > 0, deviation, 1)
