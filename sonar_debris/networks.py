"""What all networks share: residual blocks, losses, batch-norm that trains faster, and safe loading and saving.

Reference:
    He et al., Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385 (residual blocks).
"""

import importlib
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError

# Largest network that is loaded, unpacked, and its largest description. Those of this package take 7 MB and 0.1 MB.
MAX_NETWORK_BYTES, MAX_CONFIG_BYTES = 2**30, 2**24

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
        _check_archive(path)
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
        if not all(np.isfinite(weight).all() for weight in network.get_weights()):
            raise ValueError("its weights are not finite")
        return network
    except Exception as error:  # Keras passes on exceptions of many libraries, from zipfile to h5py.
        reason = str(error).partition("\n")[0][:120]
        raise SonarDebrisError(f"{path}: not a readable Keras model ({reason})") from error


def _check_archive(path: Path) -> None:
    """Refuse an archive that would fill the memory when it is unpacked, before Keras unpacks it."""
    h5py = importlib.import_module("h5py")  # which has no types; it comes with Keras
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_NETWORK_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_NETWORK_BYTES >> 20} MiB")
        if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
            raise ValueError("its config.json is too large")
        with h5py.File(BytesIO(archive.read("model.weights.h5"))) as weights:
            sizes: list[int] = []
            weights.visititems(lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
        if sum(sizes) > MAX_NETWORK_BYTES:
            raise ValueError(f"its weights take more than {MAX_NETWORK_BYTES >> 20} MiB")


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network atomically: an interrupted training leaves no broken ``.keras`` file.

    Args:
        network: the network.
        path: the file, ``NAME.keras``. An earlier file is replaced.
    """
    partial = path.with_name(f"{path.stem}-partial.keras")
    network.save(partial)
    partial.replace(path)


Loss = Callable[[KerasTensor, KerasTensor], KerasTensor]

# Lower bound of denominators.
EPSILON = 1e-6


def register_loss(loss: Loss) -> Loss:
    """Register a loss with Keras under its name, so that files of networks compiled with it can be loaded."""
    return keras.saving.register_keras_serializable("sonar_debris")(loss)


def paired_iou(a: KerasTensor, b: KerasTensor) -> KerasTensor:
    """Return the IoU of pairs of boxes.

    Args:
        a: ``(..., 4)`` boxes, xyxy in any unit.
        b: ``(..., 4)`` boxes in the same unit; the leading axes are broadcast against those of ``a``.

    Returns:
        ``(...)`` IoU in [0, 1].
    """
    shared = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0)
    intersection = ops.prod(shared, axis=-1)
    union = _area(a) + _area(b) - intersection
    return intersection / ops.maximum(union, EPSILON)


def normalised_centre_distance(a: KerasTensor, b: KerasTensor) -> KerasTensor:
    """Return the squared distance of the centres over the squared diagonal of the box that encloses both.

    The distance-IoU loss of two boxes is 1 - IoU + this distance.

    Args:
        a: ``(..., 4)`` boxes, xyxy in any unit.
        b: ``(..., 4)`` boxes in the same unit; the leading axes are broadcast against those of ``a``.

    Returns:
        ``(...)`` distances in [0, 1).

    Reference:
        Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7.
    """
    enclosing = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    between = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return ops.sum(between**2, axis=-1) / ops.maximum(ops.sum(enclosing**2, axis=-1), EPSILON)


def score_entropy(target: KerasTensor, score: KerasTensor) -> KerasTensor:
    """Return the binary cross-entropy of scores, element by element.

    Args:
        target: ``(...)`` in [0, 1], e.g. the IoU that the predicted box reaches.
        score: ``(...)`` inside (0, 1); clip it first.

    Returns:
        ``(...)`` losses.
    """
    return -(target * ops.log(score) + (1 - target) * ops.log(1 - score))


def smoothed_class_entropy(class_id: KerasTensor, probabilities: KerasTensor, smoothing: float = 0.05) -> KerasTensor:
    """Return the cross-entropy of class probabilities with label smoothing.

    Args:
        class_id: ``(...)`` int32 class indices; -1 stands for no class.
        probabilities: ``(..., classes)`` in (0, 1].
        smoothing: share of the target that is spread over all classes.

    Returns:
        ``(...)`` losses.
    """
    one_hot = ops.one_hot(class_id, probabilities.shape[-1])
    return keras.losses.categorical_crossentropy(one_hot, probabilities, label_smoothing=smoothing)


def _area(boxes: KerasTensor) -> KerasTensor:
    return ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
