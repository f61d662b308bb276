import click
import numpy as np
import pytest

from sonar_debris.classifiers import CLASSIFIER_NAMES, build_classifier
from sonar_debris.classifiers.networks import build_cnn_classifier, build_mlp_classifier, build_residual_classifier
from sonar_debris.commands.train import train


@pytest.mark.parametrize("name", CLASSIFIER_NAMES)
@pytest.mark.parametrize(("classes", "size"), [(11, 64), (3, 40)])
def test_probabilities_sum_to_one(name, classes, size):
    network = build_classifier(name, classes, size=size)
    crops = np.random.default_rng(0).standard_normal((3, size, size, 1), np.float32)

    probability = np.asarray(network(crops))

    assert probability.shape == (3, classes)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert np.abs(probability[0] - probability[1]).max() > 1e-4


def test_train_offers_every_classifier():
    (option,) = (option for option in train.commands["classifier"].params if option.name == "network")

    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == CLASSIFIER_NAMES


def test_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match="Received: 'svm'"):
        build_classifier("svm", 10)


def test_options_reach_the_network():
    network = build_classifier("cnn-batchnorm", 10, momentum=0.5)

    assert {layer.momentum for layer in network.layers if hasattr(layer, "momentum")} == {0.5}


def test_cnn_has_the_published_number_of_weights():
    assert build_cnn_classifier(10, size=96, regulariser="dropout").count_params() == 930_346


@pytest.mark.parametrize("size", [64, 96])
def test_batch_norm_adds_four_weights_per_channel(size):
    batchnorm, dropout = (build_cnn_classifier(10, size, name).count_params() for name in ("batchnorm", "dropout"))

    assert batchnorm - dropout == 4 * (32 + 32 + 64)


def test_unknown_regulariser_of_the_cnn_is_refused():
    with pytest.raises(ValueError, match="Received: 'l2'"):
        build_cnn_classifier(10, regulariser="l2")


@pytest.mark.parametrize(("size", "published"), [(96, 10.1e6), (64, 4.85e6)])
def test_mlp_has_the_published_number_of_weights(size, published):
    assert build_mlp_classifier(10, size, regulariser="dropout").count_params() == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("regulariser", ["batchnorm", "dropout"])
def test_all_hidden_layers_of_the_mlp_have_the_activation(activation, regulariser):
    network = build_mlp_classifier(10, 16, activation, regulariser)

    used = [layer.activation.__name__ for layer in network.layers if hasattr(layer, "activation")]
    assert used.count(activation) == 3
    assert set(used) <= {activation, "linear", "softmax"}


@pytest.mark.parametrize("option", [{"activation": "gelu"}, {"regulariser": "l2"}])
def test_unknown_option_of_the_mlp_is_refused(option):
    with pytest.raises(ValueError, match=f"Received: '{next(iter(option.values()))}'"):
        build_mlp_classifier(10, **option)


def test_residual_network_has_as_many_weights_for_larger_crops():
    assert build_residual_classifier(11, 64).count_params() == build_residual_classifier(11, 96).count_params()


def test_each_class_of_the_residual_network_has_its_own_weights():
    assert build_residual_classifier(11).count_params() - build_residual_classifier(10).count_params() == 128 + 1


def test_residual_network_is_smaller_than_the_cnn_at_its_published_size():
    assert build_residual_classifier(10, 96).count_params() < build_cnn_classifier(10, 96).count_params()
