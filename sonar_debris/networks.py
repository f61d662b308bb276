"""What all networks share: residual blocks, batch-norm that trains faster, and safe loading and saving.

Reference:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385 (residual blocks).
"""

from pathlib import Path
from typing import Any

from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError

with quiet_backend():
    import keras
    from keras import KerasTensor, layers, ops


def residual_trunk(crops: KerasTensor, widths: tuple[int, ...]) -> KerasTensor:
    """Apply a strided 5×5 convolution, then one residual block per width; all but the first halve the resolution.

    Args:
        crops: ``(batch, size, size, 1)``.
        widths: number of channels of each block.

    Returns:
        Features ``(batch, size / 2^len(widths), size / 2^len(widths), widths[-1])``.
    """
    features = batch_norm(layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False)(crops))
    features = residual_block(layers.ReLU()(features), widths[0], stride=1)
    for width in widths[1:]:
        features = residual_block(features, width, stride=2)
    return features


def residual_block(features: KerasTensor, width: int, stride: int) -> KerasTensor:
    """Apply two 3×3 convolutions and add the shortcut.

    Args:
        features: ``(batch, rows, cols, channels)``.
        width: number of output channels; with stride 1 it must equal ``channels``.
        stride: stride of the first convolution. If it is not 1, the shortcut is pooled and projected.

    Returns:
        Features ``(batch, rows / stride, cols / stride, width)``, not negative.
    """
    inner = batch_norm(layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(features))
    inner = batch_norm(layers.Conv2D(width, 3, padding="same", use_bias=False)(layers.ReLU()(inner)))
    if stride != 1:
        features = layers.AveragePooling2D(stride, padding="same")(features)
        features = batch_norm(layers.Conv2D(width, 1, use_bias=False)(features))
    return layers.ReLU()(layers.Add()([features, inner]))


def batch_norm(features: KerasTensor) -> KerasTensor:
    """Apply batch normalisation with the momentum that all networks use."""
    # With Keras' default momentum of 0.99 the running statistics need thousands of steps to converge.
    return layers.BatchNormalization(momentum=0.9)(features)


def with_fused_batch_norm(network: keras.Model) -> keras.Model:
    """Return a copy of a network whose batch-norm trains with TensorFlow's fused kernel.

    Keras composes batch-norm of a dozen operations; ``benchmarks/training_step.py`` measures the difference. The copy
    computes the same. Use it for training only: it has a layer class that Keras alone cannot load.

    Args:
        network: a functional or sequential model.

    Returns:
        The copy; with a backend other than TensorFlow the network itself. (JAX compiles the whole step anyway.)
    """
    if keras.backend.backend() != "tensorflow":
        return network
    fused = keras.models.clone_model(network, clone_function=_clone_layer)
    fused.set_weights(network.get_weights())
    return fused


def _clone_layer(layer: layers.Layer) -> layers.Layer:
    layer_class = _FusedBatchNormalization if type(layer) is layers.BatchNormalization else type(layer)
    return layer_class.from_config(layer.get_config())


class _FusedBatchNormalization(layers.BatchNormalization):
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable) or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        gamma, beta = ops.cast(self.gamma, "float32"), ops.cast(self.beta, "float32")
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
        # The kernel returns the unbiased variance; Keras tracks the biased one.
        count = ops.cast(ops.size(inputs) // ops.size(gamma), "float32")
        self._update_average(self.moving_mean, mean)
        self._update_average(self.moving_variance, variance * (count - 1) / count)
        return outputs

    def _update_average(self, average: Any, latest: Any) -> None:
        average.assign(self.momentum * ops.cast(average, "float32") + (1 - self.momentum) * latest)


def load_network(path: Path | str) -> keras.Model:
    """Load a ``.keras`` file for inference. Safe mode is on: no code in the file is executed or unpickled.

    Args:
        path: the file.

    Returns:
        The network, not compiled.

    Raises:
        SonarDebrisError: the file is missing, or is not a Keras model.
    """
    path = Path(path)
    if not path.is_file():
        raise SonarDebrisError(f"{path}: no such network; train one with 'sonar-debris train'")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras passes on exceptions of many libraries, from zipfile to h5py.
        reason = str(error).partition("\n")[0][:120]
        raise SonarDebrisError(f"{path}: not a readable Keras model ({reason})") from error


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network atomically: an interrupted training leaves no broken ``.keras`` file.

    Args:
        network: the network.
        path: the file, ``NAME.keras``. An earlier file is replaced.
    """
    partial = path.with_name(f"{path.stem}-partial.keras")
    network.save(partial)
    partial.replace(path)
