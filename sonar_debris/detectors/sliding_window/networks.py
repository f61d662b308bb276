"""The objectness network: how much does a 96×96 window look like an object, of whatever class?

Reference:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18.

MERGED:
The box refiner: from a rough proposal to a box that fits, and how well it will fit; blind to classes.

References:
    Girshick, Fast R-CNN, 2015, arXiv:1504.08083 (offsets from a proposal).
    Jiang et al., Acquisition of Localization Confidence (IoU-Net), 2018, arXiv:1807.11590 (predicted IoU).
"""

import keras
from keras import layers

from sonar_debris.networks import residual_trunk

WINDOW = 96
# Two 2×2 poolings: neighbouring outputs of the dense network are windows this many pixels apart.
STRIDE = 4


def build_objectness(dropout: float = 0.5) -> keras.Model:
    """Conv(32, 5×5)-MP-Conv(32, 5×5)-MP-FC(96)-FC(1), unpadded, with batch-normalised convolutions.

    Args:
        dropout: share of the FC(96) activations dropped in training.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to objectness ``(batch, 1)`` in [0, 1].
    """
    return keras.Sequential(
        [
            keras.Input((WINDOW, WINDOW, 1)),
            *_convolutions(),
            layers.Flatten(name="flatten"),
            layers.Dense(96, activation="relu", name="fc"),
            layers.Dropout(dropout),
            # float32 whatever the policy: 8 bits of mantissa are too few for a score.
            layers.Dense(1, activation="sigmoid", dtype="float32", name="objectness"),
        ],
        name="objectness_network",
    )


def make_dense(window_network: keras.Model, step: int = 1) -> keras.Model:
    """The same weights as a fully-convolutional network over a whole image.

    A fully-connected layer over a 21×21 feature map is a 21×21 convolution, so the two networks give the same
    scores, but this one computes what overlapping windows share only once.

    Args:
        window_network: a network of `build_objectness`.
        step: keep every ``step``-th window in both directions; windows lie ``4 · step`` pixels apart.

    Returns:
        A model from images ``(batch, rows, cols, 1)``, rows and cols ≥ 96 and any size, to objectness maps
        ``(batch, (rows - 96) // (4 · step) + 1, (cols - 96) // (4 · step) + 1, 1)``. Entry (i, j) is the
        score of the window whose top left corner is at ``(4 · step · i, 4 · step · j)``.
    """
    fc, score = window_network.get_layer("fc"), window_network.get_layer("objectness")
    side = WINDOW // STRIDE - 3
    dense = keras.Sequential(
        [
            keras.Input((None, None, 1)),
            *_convolutions(),
            layers.Conv2D(fc.units, side, strides=step, activation="relu", name="fc"),
            layers.Conv2D(1, 1, activation="sigmoid", name="objectness"),
        ],
        name="dense_objectness_network",
    )
    for layer in window_network.layers:
        if layer.name not in ("fc", "objectness") and layer.weights:
            dense.get_layer(layer.name).set_weights(layer.get_weights())
    for layer, kernel_side in ((fc, side), (score, 1)):
        kernel, bias = layer.get_weights()
        dense.get_layer(layer.name).set_weights([kernel.reshape(kernel_side, kernel_side, -1, kernel.shape[-1]), bias])
    return dense


def _convolutions() -> list[layers.Layer]:
    return [
        layer
        for number in (1, 2)
        for layer in (
            layers.Conv2D(32, 5, use_bias=False, name=f"conv{number}"),
            # Normalised after pooling, where there is a quarter of the work and the network is as good.
            layers.MaxPooling2D(name=f"pool{number}"),
            # The default momentum of 0.99 needs thousands of steps until the running statistics arrive.
            layers.BatchNormalization(momentum=0.9, name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        )
    ]


SIZE = 64
# The network sees this much more than the proposal in both directions, so that it can move sides outwards.
CONTEXT = 1.6


def build_box_refiner(dropout: float = 0.2) -> keras.Model:
    """Residual trunk, FC(128), five outputs.

    Args:
        dropout: share of the FC(128) activations dropped in training.

    Returns:
        A model from crops ``(batch, 64, 64, 1)``, each a proposal with its surroundings stretched to a square,
        to ``(batch, 5)``: four offsets as in `sonar_debris.boxes.apply_offsets`, then the IoU in
        [0, 1] that the refined box will have with an object.
    """
    crops = keras.Input((SIZE, SIZE, 1))
    features = residual_trunk(crops, (24, 48, 64, 96))
    features = layers.Dense(128, activation="relu")(layers.Flatten()(features))
    features = layers.Dropout(dropout)(features)
    offsets = layers.Dense(4, dtype="float32", name="offsets")(features)
    overlap = layers.Dense(1, activation="sigmoid", dtype="float32", name="overlap")(features)
    return keras.Model(crops, layers.Concatenate(dtype="float32")([offsets, overlap]), name="box_refiner")
