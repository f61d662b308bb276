import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.networks import make_dense
from sonar_debris.reproduce.shared_features import build_shared_detector, feature_part, objectness_part


@pytest.fixture(scope="module")
def network():
    return build_shared_detector(11)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).standard_normal((3, 96, 96, 1), np.float32)


def test_outputs_are_an_objectness_and_probabilities(network, windows):
    output = network.predict(windows, verbose=0)

    assert output.shape == (3, 12) and output.min() >= 0 and output.max() <= 1
    np.testing.assert_allclose(output[:, 1:].sum(axis=1), 1, rtol=1e-5)


def test_the_objectness_part_scores_the_same_also_when_dense(network, windows):
    part = objectness_part(network)

    expected = network.predict(windows, verbose=0)[:, 0]
    np.testing.assert_allclose(part.predict(windows, verbose=0)[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(make_dense(part).predict(windows, verbose=0)[:, 0, 0, 0], expected, atol=1e-5)


def test_names_stand_on_the_features(network, windows):
    features = feature_part(network).predict(windows, verbose=0)

    assert features.shape == (3, 96)
    kernel, bias = network.get_layer("class").get_weights()
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network.predict(windows, verbose=0)[:, 1:], expected, rtol=1e-3, atol=1e-5)
