"""The crop classifier that the shipped pipeline uses: smaller than the plain CNN, and far better on new places."""

import keras
from keras import layers

from sonar_debris.networks.residual_trunk import residual_trunk


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
