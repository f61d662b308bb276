import cv2
import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sonar_debris.classifiers.template_matching import SIMILARITIES, TemplateMatchingClassifier

RAW = TemplateMatchingClassifier(normalised=False)


def expected_failures(estimator):
    # The check's crops have two pixels. Normalised, they only tell which of the two is brighter.
    reason = "two normalised pixels are one bit, too little for the accuracy that the check expects"
    return {"check_classifiers_train": reason} if estimator.normalised else {}


@parametrize_with_checks(
    [TemplateMatchingClassifier(s, normalised=n) for s in SIMILARITIES for n in (True, False)],
    expected_failed_checks=expected_failures,
)
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("similarity", "normalised", "method", "sign"),
    [
        ("cross_correlation", False, cv2.TM_CCORR, 1),
        ("cross_correlation", True, cv2.TM_CCOEFF_NORMED, 1),
        ("sum_of_squared_differences", False, cv2.TM_SQDIFF, -1),
    ],
)
def test_similarity_equals_that_of_opencv(similarity, normalised, method, sign):
    rng = np.random.default_rng(0)
    templates, crops = rng.uniform(size=(2, 5, 8, 8)).astype(np.float32)
    matcher = TemplateMatchingClassifier(similarity, normalised=normalised).fit(templates.reshape(5, -1), np.arange(5))

    scale = 1 if normalised else 64  # OpenCV sums where the published work takes the mean
    expected = [[sign * cv2.matchTemplate(crop, t, method)[0, 0] / scale for t in templates] for crop in crops]
    np.testing.assert_allclose(matcher.decision_function(crops.reshape(5, -1)), expected, atol=1e-5)


def test_normalised_squared_differences_rank_like_cross_correlation():
    rng = np.random.default_rng(1)
    templates, crops = rng.normal(size=(2, 6, 16))
    by_correlation, by_difference = (TemplateMatchingClassifier(s).fit(templates, np.arange(6)) for s in SIMILARITIES)

    correlation, difference = (m.decision_function(crops) for m in (by_correlation, by_difference))

    np.testing.assert_allclose(difference, 2 * correlation - 2, atol=1e-12)


@pytest.mark.parametrize(
    ("matcher", "label"),
    [
        (RAW, "bright"),  # the product with the brightest template is the highest whatever the crop shows
        (TemplateMatchingClassifier(), "like"),
        (TemplateMatchingClassifier("sum_of_squared_differences", normalised=False), "like"),
    ],
)
def test_normalisation_keeps_the_brightest_template_from_winning(matcher, label):
    matcher.fit([[0, 1, 0, 1.0], [9, 9, 9, 8]], ["like", "bright"])

    assert matcher.predict([[0, 1, 0, 1.0]]).tolist() == [label]


def test_most_similar_template_of_a_class_counts():
    matcher = TemplateMatchingClassifier("sum_of_squared_differences", normalised=False)
    matcher.fit([[0.0], [10], [4], [6], [20]], ["a", "a", "b", "b", "c"])

    np.testing.assert_allclose(matcher.decision_function([[9.0], [5]]), [[-1, -9, -121], [-25, -1, -225]])
    assert matcher.predict([[9.0], [5], [8]]).tolist() == ["a", "b", "a"]  # a tie goes to the first class


@pytest.mark.parametrize(("count", "kept"), [(None, 7), (1, 2), (3, 5), (9, 7)])
def test_number_of_templates_per_class_is_limited(count, kept):
    X, y = np.arange(14.0).reshape(7, 2), np.array([0, 0, 1, 1, 1, 1, 1])
    matcher = TemplateMatchingClassifier(normalised=False, templates_per_class=count, random_state=0).fit(X, y)

    assert len(matcher.templates_) == kept
    assert {tuple(t) for t in matcher.templates_} <= {tuple(x) for x in X}
    assert (y[(matcher.templates_[:, 0] / 2).astype(int)] == matcher.template_class_).all()


def test_probabilities_rank_by_similarity():
    matcher = TemplateMatchingClassifier().fit(np.eye(3), ["a", "b", "c"])

    probability = matcher.predict_proba(np.eye(3))

    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert (probability.argmax(axis=1) == [0, 1, 2]).all()


@pytest.mark.parametrize("options", [{"similarity": "cosine"}, {"templates_per_class": 0}])
def test_wrong_parameters_are_refused(options):
    with pytest.raises(ValueError, match="Received"):
        TemplateMatchingClassifier(**options).fit(np.eye(2), [0, 1])
