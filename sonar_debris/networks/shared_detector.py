"""One network that scores the objectness of a window and names what it shows, from shared features.

Reference:
    Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with Convolutional
    Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
"""

import keras
from keras import layers

from sonar_debris.networks.objectness import build_objectness


def build_shared_detector(classes: int) -> keras.Model:
    """The objectness network with a second head, FC(classes), on its FC(96) features.

    Args:
        classes: number of classes.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to ``(batch, 1 + classes)``: objectness in
        [0, 1], then class probabilities.
    """
    trunk = build_objectness()
    score, features = trunk.outputs[0], trunk.layers[-2].output
    named = layers.Dense(classes, activation="softmax", dtype="float32", name="class")(features)
    return keras.Model(trunk.inputs, layers.Concatenate(dtype="float32")([score, named]), name="shared_detector")


def objectness_part(network: keras.Model) -> keras.Model:
    """The first head alone, with the same weights, as `make_dense` takes it."""
    part = build_objectness()
    for layer in (each for each in part.layers if each.weights):
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return part


def feature_part(network: keras.Model) -> keras.Model:
    """From windows to the shared features ``(batch, 96)``."""
    return keras.Model(network.inputs, network.get_layer("fc").output)
