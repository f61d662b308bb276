"""The small residual trunk that the residual classifier and the box refiner share.

Reference:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385.

MERGED:
Batch-norm that trains faster: TensorFlow's fused kernel in place of the dozen operations that Keras composes.
---
Load shipped or trained Keras networks safely.
"""

from pathlib import Path

import keras
from keras import KerasTensor, layers, ops

from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError


def residual_trunk(crops: KerasTensor, widths: tuple[int, ...]) -> KerasTensor:
    """A strided 5×5 convolution, then one residual block a width, each after the first at half the resolution.

    Args:
        crops: ``(batch, size, size, 1)``.
        widths: channels of each block.

    Returns:
        Features ``(batch, size / 2^len(widths), size / 2^len(widths), widths[-1])``.
    """
    features = normalised(layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(crops))
    features = residual_block(layers.ReLU()(features), widths[0], stride=1)
    for width in widths[1:]:
        features = residual_block(features, width, stride=2)
    return features


def residual_block(features: KerasTensor, width: int, stride: int) -> KerasTensor:
    """Two 3×3 convolutions beside a shortcut; only with a stride over 1 may the width change."""
    inner = normalised(layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(features))
    inner = normalised(layers.Conv2D(width, 3, padding="same", use_bias=False)(layers.ReLU()(inner)))
    if stride != 1:
        features = layers.AveragePooling2D(stride, padding="same")(features)
        features = normalised(layers.Conv2D(width, 1, use_bias=False)(features))
    return layers.ReLU()(layers.Add()([features, inner]))


def normalised(features: KerasTensor) -> KerasTensor:
    """Batch-norm."""
    # The default momentum of 0.99 needs thousands of steps until the running statistics arrive.
    return layers.BatchNormalization(momentum=0.9)(features)


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


def load_network(path: Path | str):
    """Load a ``.keras`` file for inference; nothing in it is executed or unpickled.

    Raises:
        SonarDebrisError: the file is missing, or is not a Keras model.
    """
    path = Path(path)
    if not path.is_file():
        raise SonarDebrisError(f"{path}: no such network; train one with 'sonar-debris train'")
    with quiet_backend():
        import keras
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds, from zipfile's to h5py's.
        reason = str(error).partition("\n")[0][:120]
        raise SonarDebrisError(f"{path}: not a readable Keras model ({reason})") from error
