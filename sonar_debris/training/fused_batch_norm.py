"""Batch-norm that trains faster: TensorFlow's fused kernel in place of the dozen operations that Keras composes."""

import keras
from keras import layers, ops


def with_fused_batch_norm(network: keras.Model) -> keras.Model:
    """A copy of a network that computes the same, its training steps in less time (`benchmarks/training_step.py`).

    It is for training only: with a layer class of its own it could not be loaded by Keras alone. Another backend than
    TensorFlow gets the network back as it is; JAX compiles the whole step anyway.
    """
    if keras.backend.backend() != "tensorflow":
        return network
    fused = keras.models.clone_model(network, clone_function=_clone)
    fused.set_weights(network.get_weights())
    return fused


def _clone(layer: layers.Layer) -> layers.Layer:
    kind = _FusedBatchNormalization if type(layer) is layers.BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


class _FusedBatchNormalization(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
        # The kernel's is the unbiased variance; Keras keeps the other.
        count = ops.cast(ops.size(inputs) // ops.size(gamma), "float32")
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (count - 1) / count)
        return outputs

    def _follow(self, running, latest) -> None:
        running.assign(self.momentum * ops.cast(running, "float32") + (1 - self.momentum) * latest)
