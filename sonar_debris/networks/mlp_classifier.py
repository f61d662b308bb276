"""The multi-layer perceptrons that the published work compares the CNN with (doi:10.1109/OCEANS.2016.7761140)."""

import keras
from keras import layers

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
