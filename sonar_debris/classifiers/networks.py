"""Networks that classify crops: the published CNN and multi-layer perceptrons, and the detector's residual network.

Reference:
    Valdenegro-Toro, Object Recognition in Forward-Looking Sonar Images with Convolutional Neural Networks,
    2016, doi:10.1109/OCEANS.2016.7761140 (CNN and multi-layer perceptrons).
"""

import keras
from keras import layers

from sonar_debris.classifiers import ACTIVATIONS, REGULARISERS
from sonar_debris.networks import residual_trunk

HIDDEN_UNITS = (1024, 512, 256)


def build_cnn_classifier(
    classes: int, size: int = 64, regulariser: str = "batchnorm", momentum: float = 0.9
) -> keras.Model:
    """Build the plain CNN: Conv(32, 5×5)-MP-Conv(32, 5×5)-MP-FC(64)-FC(classes), unpadded.

    With dropout, 96×96 inputs and 10 classes it has the published 930 346 weights.

    Args:
        classes: number of classes.
        size: side of the square crops in pixels.
        regulariser: ``"batchnorm"`` after each pooling (before the pooling it takes four times as long) and after
            FC(64), or ``"dropout"`` (0.5) after FC(64).
        momentum: momentum of batch-norm's running statistics. With Keras' default of 0.99 they lag by hundreds of
            steps.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.

    Raises:
        ValueError: no such regulariser.
    """
    _check_choice("regulariser", regulariser, REGULARISERS)
    batchnorm = regulariser == "batchnorm"
    stack = [keras.Input((size, size, 1))]
    for _ in range(2):
        stack += [layers.Conv2D(32, 5), layers.ReLU(), layers.MaxPooling2D()]
        stack += [layers.BatchNormalization(momentum=momentum)] if batchnorm else []
    stack += [layers.Flatten(), layers.Dense(64), layers.ReLU()]
    stack.append(layers.BatchNormalization(momentum=momentum) if batchnorm else layers.Dropout(0.5))
    stack.append(_class_layer(classes))
    return keras.Sequential(stack, name=f"cnn_{regulariser}")


def build_mlp_classifier(
    classes: int, size: int = 64, activation: str = "relu", regulariser: str = "batchnorm", momentum: float = 0.9
) -> keras.Model:
    """Build a multi-layer perceptron over the flattened crop: FC(1024)-FC(512)-FC(256)-FC(classes).

    Args:
        classes: number of classes.
        size: side of the square crops in pixels.
        activation: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
        regulariser: ``"batchnorm"`` or ``"dropout"`` (0.5) in each hidden layer.
        momentum: momentum of batch-norm's running statistics. With Keras' default of 0.99 they lag by hundreds of
            steps.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.

    Raises:
        ValueError: no such activation or regulariser.
    """
    _check_choice("activation", activation, ACTIVATIONS)
    _check_choice("regulariser", regulariser, REGULARISERS)
    stack = [keras.Input((size, size, 1)), layers.Flatten()]
    for units in HIDDEN_UNITS:
        if regulariser == "batchnorm":
            stack += [layers.Dense(units), layers.BatchNormalization(momentum=momentum), layers.Activation(activation)]
        else:
            stack += [layers.Dense(units, activation=activation), layers.Dropout(0.5)]
    stack.append(_class_layer(classes))
    return keras.Sequential(stack, name=f"mlp_{regulariser}_{activation}")


def build_residual_classifier(classes: int, size: int = 64) -> keras.Model:
    """Build the classifier of the sliding-window detector: residual trunk, global average pooling, softmax.

    It is smaller than the plain CNN at its published size, and far better on scenes that training did not see.

    Args:
        classes: number of classes.
        size: side of the square crops in pixels.

    Returns:
        A model from crops ``(batch, size, size, 1)`` to class probabilities ``(batch, classes)``.
    """
    crops = keras.Input((size, size, 1))
    features = layers.GlobalAveragePooling2D()(residual_trunk(crops, (32, 64, 96, 128)))
    probabilities = _class_layer(classes)(layers.Dropout(0.3)(features))
    return keras.Model(crops, probabilities, name="residual_classifier")


def _class_layer(classes: int) -> layers.Layer:
    # float32 in any precision: the 8 bits of a bfloat16 mantissa are too few for a score.
    return layers.Dense(classes, activation="softmax", dtype="float32")


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}. Received: {value!r}")
