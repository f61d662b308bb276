"""The plain CNN crop classifier of the published work.

Reference:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks,
    2016, doi:10.1109/OCEANS.2016.7761140.

MERGED:
The multi-layer perceptrons that the published work compares the CNN with (doi:10.1109/OCEANS.2016.7761140).
---
The crop classifier that the shipped pipeline uses: smaller than the plain CNN, and far better on new places.
"""

import keras
from keras import layers

from sonar_debris.networks import residual_trunk


def build_cnn_classifier(
    classes: int, size: int = 64, regulariser: str = "batchnorm", momentum: float = 0.9
) -> keras.Model:
    """Conv(32, 5×5)-MP-Conv(32, 5×5)-MP-FC(64)-FC(classes), unpadded.

    With dropout, 96×96 inputs and 10 classes it has the published 930 346 weights.

    Args:
        classes: number of classes.
        size: side of the square crops, in pixels.
        regulariser: ``"batchnorm"`` after each pooling (before it costs four times as much) and FC(64), or
            ``"dropout"`` (0.5) after FC(64).
        momentum: of batch-norm's running statistics, which at Keras' default of 0.99 lag by hundreds of steps.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.

    Raises:
        ValueError: another regulariser.
    """
    if regulariser not in ("batchnorm", "dropout"):
        raise ValueError(f"regulariser must be 'batchnorm' or 'dropout'. Received: {regulariser!r}")
    normalise = [lambda: layers.BatchNormalization(momentum=momentum)] if regulariser == "batchnorm" else []
    drop = [lambda: layers.Dropout(0.5)] if regulariser == "dropout" else []
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            *(make() for _ in range(2) for make in (_convolution, layers.ReLU, layers.MaxPooling2D, *normalise)),
            layers.Flatten(),
            layers.Dense(64),
            *(make() for make in (layers.ReLU, *normalise, *drop)),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name=f"cnn_{regulariser}",
    )


def _convolution() -> layers.Layer:
    return layers.Conv2D(32, 5)


HIDDEN = (1024, 512, 256)


def build_mlp_classifier(
    classes: int, size: int = 64, activation: str = "relu", regulariser: str = "batchnorm", momentum: float = 0.9
) -> keras.Model:
    """FC(1024)-FC(512)-FC(256)-FC(classes) over the flattened crop.

    Args:
        classes: number of classes.
        size: side of the square crops, in pixels.
        activation: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
        regulariser: ``"batchnorm"`` or ``"dropout"`` (0.5), on each hidden layer.
        momentum: of batch-norm's running statistics, which at Keras' default of 0.99 lag by hundreds of steps.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.

    Raises:
        ValueError: another activation or regulariser.
    """
    if activation not in ("sigmoid", "tanh", "relu"):
        raise ValueError(f"activation must be 'sigmoid', 'tanh' or 'relu'. Received: {activation!r}")
    if regulariser not in ("batchnorm", "dropout"):
        raise ValueError(f"regulariser must be 'batchnorm' or 'dropout'. Received: {regulariser!r}")
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            layers.Flatten(),
            *(layer for units in HIDDEN for layer in _hidden(units, activation, regulariser, momentum)),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name=f"mlp_{regulariser}_{activation}",
    )


def _hidden(units: int, activation: str, regulariser: str, momentum: float) -> list[layers.Layer]:
    if regulariser == "batchnorm":
        return [layers.Dense(units), layers.BatchNormalization(momentum=momentum), layers.Activation(activation)]
    return [layers.Dense(units, activation=activation), layers.Dropout(0.5)]


def build_residual_classifier(classes: int, size: int = 64, dropout: float = 0.3) -> keras.Model:
    """Residual trunk, global average pooling, softmax.

    Args:
        classes: number of classes.
        size: side of the square crops, in pixels.
        dropout: share of the pooled features dropped in training.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.
    """
    crops = keras.Input((size, size, 1))
    features = layers.GlobalAveragePooling2D()(residual_trunk(crops, (32, 64, 96, 128)))
    scores = layers.Dense(classes, activation="softmax", dtype="float32")(layers.Dropout(dropout)(features))
    return keras.Model(crops, scores, name="residual_classifier")
