"""One network that scores the objectness of a window and names what it shows, from shared features.

Reference:
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.

MERGED:
Train the network of shared features on windows, their IoU with boxes, and the classes of those boxes.
"""

from functools import partial
from pathlib import Path

import keras
from keras import layers, ops

from sonar_debris.detectors.sliding_window.networks import build_objectness
from sonar_debris.detectors.sliding_window.sampler import WindowSampler
from sonar_debris.training import TrainingConfig, fit

FEATURES = 96


def build_shared_detector(classes: int) -> keras.Model:
    """The objectness network with a second head, FC(96)-BN-FC(classes), on its convolutions.

    Without batch-norm, and on the FC(96) that objectness has learned, of which most units are silent, hardly any class
    is learned in the same number of steps.

    Args:
        classes: number of classes.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to ``(batch, 1 + classes)``: objectness in
        [0, 1], then class probabilities.
    """
    trunk = build_objectness()
    features = layers.Dense(FEATURES, use_bias=False, name="class_fc")(trunk.get_layer("flatten").output)
    # The default momentum of 0.99 needs thousands of steps until the running statistics arrive.
    features = layers.BatchNormalization(momentum=0.9, name="class_norm")(features)
    features = layers.ReLU(name="features")(features)
    named = layers.Dense(classes, activation="softmax", dtype="float32", name="class")(layers.Dropout(0.3)(features))
    outputs = layers.Concatenate(dtype="float32")([trunk.outputs[0], named])
    return keras.Model(trunk.inputs, outputs, name="shared_detector")


def objectness_part(network: keras.Model) -> keras.Model:
    """The first head alone, with the same weights, as `make_dense` takes it."""
    part = build_objectness()
    for layer in (each for each in part.layers if each.weights):
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return part


def feature_part(network: keras.Model) -> keras.Model:
    """From windows to the features ``(batch, 96)`` that the second head names."""
    return keras.Model(network.inputs, network.get_layer("features").output)


def train_shared_detector(
    train: WindowSampler, val: WindowSampler | None, classes: int, schedule: TrainingConfig, run: Path
) -> keras.Model:
    """Train a network of `build_shared_detector`.

    Args:
        train: draws the training windows.
        val: draws the validation windows, or None.
        classes: number of classes.
        schedule: how long and how fast.
        run: gets ``shared.keras`` and its log.

    Returns:
        The trained network.
    """
    build = partial(build_shared_detector, classes)
    return fit(build, train.recognition, val and val.recognition, shared_loss, schedule, run, "shared")


def shared_loss(target, predicted):
    """Cross-entropy of objectness with the IoU ramp, and of the class where the window shows an object.

    Args:
        target: ``(batch, 2)``: the ramp in [0, 1], and the class, or -1 for background.
        predicted: ``(batch, 1 + classes)``.

    Returns:
        ``(batch,)`` losses.
    """
    ramp, class_id = target[:, :1], ops.cast(target[:, 1], "int32")
    shown = ops.cast(class_id >= 0, predicted.dtype)
    naming = keras.losses.sparse_categorical_crossentropy(ops.maximum(class_id, 0), predicted[:, 1:])
    return keras.losses.binary_crossentropy(ramp, predicted[:, :1]) + shown * naming
