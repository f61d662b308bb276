"""A network that predicts the objectness of a window and its class from shared features, and its training.

Reference:
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
"""

from functools import partial
from pathlib import Path

import keras
from keras import KerasTensor, layers, ops

from sonar_debris.detectors.sliding_window.networks import build_objectness
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.training import TrainingConfig, fit

FEATURES = 96


def build_shared_detector(classes: int) -> keras.Model:
    """Build the objectness network with a second head, FC(96)-BN-FC(classes), on its convolutions.

    The second head has features of its own, with batch-norm: most units of objectness's FC(96) are silent, and on these
    features hardly any class is learned in the same number of steps.

    Args:
        classes: number of classes.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to ``(batch, 1 + classes)``: objectness in
        [0, 1], then class probabilities.
    """
    trunk = build_objectness()
    features = layers.Dense(FEATURES, use_bias=False, name="class_fc")(trunk.get_layer("flatten").output)
    # With Keras' default momentum of 0.99 the running statistics need thousands of steps to converge.
    features = layers.BatchNormalization(momentum=0.9, name="class_norm")(features)
    features = layers.ReLU(name="features")(features)
    class_layer = layers.Dense(classes, activation="softmax", dtype="float32", name="class")
    probabilities = class_layer(layers.Dropout(0.3)(features))
    outputs = layers.Concatenate(dtype="float32")([trunk.outputs[0], probabilities])
    return keras.Model(trunk.inputs, outputs, name="shared_detector")


def objectness_part(network: keras.Model) -> keras.Model:
    """Return an objectness network with the weights of the first head, as `make_dense` takes it."""
    part = build_objectness()
    for layer in part.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return part


def feature_part(network: keras.Model) -> keras.Model:
    """Return the model from windows to the features ``(batch, 96)`` of the second head."""
    return keras.Model(network.inputs, network.get_layer("features").output)


def train_shared_detector(
    train: WindowSampler, val: WindowSampler | None, classes: int, config: TrainingConfig, run: Path
) -> keras.Model:
    """Train the network of `build_shared_detector`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        classes: number of classes.
        config: length and learning rate.
        run: folder of ``shared.keras`` and its log.

    Returns:
        The trained network.
    """
    build = partial(build_shared_detector, classes)
    validation = val.recognition if val else None
    return fit(build, train.recognition, validation, shared_loss, config, run, name="shared")


def shared_loss(target: KerasTensor, predicted: KerasTensor) -> KerasTensor:
    """Return the cross-entropy of objectness plus, for windows that show an object, that of the class.

    Args:
        target: ``(batch, 2)``: the target of objectness in [0, 1] (`iou_ramp`), and the class, or -1 for background.
        predicted: ``(batch, 1 + classes)``: objectness in [0, 1], then class probabilities.

    Returns:
        ``(batch,)`` losses.
    """
    objectness, class_id = target[:, :1], ops.cast(target[:, 1], "int32")
    shows_object = ops.cast(class_id >= 0, predicted.dtype)
    objectness_loss = keras.losses.binary_crossentropy(objectness, predicted[:, :1])
    class_loss = keras.losses.sparse_categorical_crossentropy(ops.maximum(class_id, 0), predicted[:, 1:])
    return objectness_loss + shows_object * class_loss
