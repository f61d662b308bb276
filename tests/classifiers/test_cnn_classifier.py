import pytest

from sonar_debris.classifiers.networks import build_cnn_classifier


def test_the_published_network_has_the_published_weights():
    assert build_cnn_classifier(10, size=96, regulariser="dropout").count_params() == 930_346


@pytest.mark.parametrize("size", [64, 96])
def test_batch_normalisation_adds_four_weights_a_channel(size):
    batchnorm, dropout = (build_cnn_classifier(10, size, name).count_params() for name in ("batchnorm", "dropout"))

    assert batchnorm - dropout == 4 * (32 + 32 + 64)


def test_another_regulariser_is_refused():
    with pytest.raises(ValueError, match="Received: 'l2'"):
        build_cnn_classifier(10, regulariser="l2")
