import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.networks import make_dense
from sonar_debris.reproduce.proposal_baselines import build_shared_detector, feature_part, objectness_part, shared_loss

LN2 = np.log(2)


@pytest.fixture(scope="module")
def network():
    return build_shared_detector(11)


@pytest.fixture(scope="module")
def windows():
    return np.random.default_rng(0).standard_normal((3, 96, 96, 1), np.float32)


def test_outputs_are_objectness_and_class_probabilities(network, windows):
    output = network.predict(windows, verbose=0)

    assert output.shape == (3, 12) and output.min() >= 0 and output.max() <= 1
    np.testing.assert_allclose(output[:, 1:].sum(axis=1), 1, rtol=1e-5)


def test_objectness_part_gives_the_same_scores_also_as_a_dense_network(network, windows):
    part = objectness_part(network)

    expected = network.predict(windows, verbose=0)[:, 0]
    np.testing.assert_allclose(part.predict(windows, verbose=0)[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(make_dense(part).predict(windows, verbose=0)[:, 0, 0, 0], expected, atol=1e-5)


def test_class_probabilities_are_computed_from_the_features(network, windows):
    features = feature_part(network).predict(windows, verbose=0)

    assert features.shape == (3, 96)
    kernel, bias = network.get_layer("class").get_weights()
    logits = features @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network.predict(windows, verbose=0)[:, 1:], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "predicted", "loss"),
    [
        ([1, 0], [0.5, 0.25, 0.75], LN2 + 2 * LN2),  # both heads count
        ([0, -1], [0.5, 0.25, 0.75], LN2),  # background has no class
        ([1, 1], [1 - 1e-7, 1e-7, 1 - 1e-7], 0),
        ([0.5, 0], [0.5, 1 - 1e-7, 1e-7], LN2),  # a target of 0.5 has its lowest loss at 0.5
    ],
)
def test_shared_loss_equals_values_computed_by_hand(target, predicted, loss):
    value = shared_loss(np.array([target], np.float32), np.array([predicted], np.float32))

    np.testing.assert_allclose(value, [loss], atol=1e-5)
