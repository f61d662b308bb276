import pytest

from sonar_debris.classifiers.networks import build_mlp_classifier


@pytest.mark.parametrize(("size", "published"), [(96, 10.1e6), (64, 4.85e6)])
def test_the_published_number_of_weights(size, published):
    assert build_mlp_classifier(10, size, regulariser="dropout").count_params() == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("regulariser", ["batchnorm", "dropout"])
def test_the_activation_is_that_of_every_hidden_layer(activation, regulariser):
    network = build_mlp_classifier(10, 16, activation, regulariser)

    used = [layer.activation.__name__ for layer in network.layers if hasattr(layer, "activation")]
    assert used.count(activation) == 3
    assert set(used) <= {activation, "linear", "softmax"}


@pytest.mark.parametrize("option", [{"activation": "gelu"}, {"regulariser": "l2"}])
def test_another_option_is_refused(option):
    with pytest.raises(ValueError, match=f"Received: '{next(iter(option.values()))}'"):
        build_mlp_classifier(10, **option)
