"""The plain CNN crop classifier of the published work.

Reference:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks,
    2016, doi:10.1109/OCEANS.2016.7761140.
"""

import keras
from keras import layers


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
