"""Fused batch-norm computes what Keras's own does."""

import keras
import numpy as np
from keras import layers

from sonar_debris.networks import with_fused_batch_norm

FRAMES = np.random.default_rng(0).normal(3, 2, (2, 8, 6, 3)).astype(np.float32)


def build(trainable=True):
    keras.utils.set_random_seed(0)
    norm = layers.BatchNormalization(momentum=0.9, trainable=trainable)
    return keras.Sequential([keras.Input((8, 6, 3)), layers.Conv2D(4, 3), norm, layers.ReLU(), layers.Conv2D(2, 1)])


def train(network):
    network.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    for _ in range(3):
        network.train_on_batch(FRAMES, np.ones((2, 6, 4, 2), np.float32))
    return network.get_weights()


def is_fused(network):
    return any(type(layer).__name__ == "_FusedBatchNormalization" for layer in network.layers)


def test_training_gives_the_same_weights_and_running_statistics():
    fused = with_fused_batch_norm(build())

    assert is_fused(fused)
    for start, plain, faster in zip(build().get_weights(), train(build()), train(fused), strict=True):
        assert not np.array_equal(start, plain)
        np.testing.assert_allclose(faster, plain, rtol=1e-4, atol=1e-6)


def test_it_predicts_the_same():
    network = build()

    np.testing.assert_array_equal(with_fused_batch_norm(network)(FRAMES), network(FRAMES))


def test_frozen_statistics_stay():
    fused = with_fused_batch_norm(build(trainable=False))

    for plain, faster in zip(train(build(trainable=False)), train(fused), strict=True):
        np.testing.assert_allclose(faster, plain, rtol=1e-4, atol=1e-6)


def test_flat_features_are_normalised_as_before():
    network = keras.Sequential([keras.Input((5,)), layers.BatchNormalization()])
    features = np.arange(20, dtype=np.float32).reshape(4, 5)

    fused = with_fused_batch_norm(network)

    np.testing.assert_allclose(fused(features, training=True), network(features, training=True), rtol=1e-5)


def test_mixed_precision_stays_mixed():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        fused = with_fused_batch_norm(build())
    finally:
        keras.config.set_dtype_policy("float32")

    norm = fused.layers[1]
    assert is_fused(fused)
    assert keras.backend.standardize_dtype(norm(np.ones((1, 2, 2, 4)), training=True).dtype) == "bfloat16"
    assert norm.gamma.dtype == "float32"
