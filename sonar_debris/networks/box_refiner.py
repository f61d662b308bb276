"""The box refiner: from a rough proposal to a box that fits, and how well it will fit; blind to classes.

References:
    Girshick, Fast R-CNN, 2015, arXiv:1504.08083 (offsets from a proposal).
    Jiang et al., Acquisition of Localization Confidence (IoU-Net), 2018, arXiv:1807.11590 (predicted IoU).
"""

import keras
from keras import layers

from sonar_debris.networks.residual_trunk import residual_trunk

SIZE = 64
# The network sees this much more than the proposal in both directions, so that it can move sides outwards.
CONTEXT = 1.6


def build_box_refiner(dropout: float = 0.2) -> keras.Model:
    """Residual trunk, FC(128), five outputs.

    Args:
        dropout: share of the FC(128) activations dropped in training.

    Returns:
        A model from crops ``(batch, 64, 64, 1)``, each a proposal with its surroundings stretched to a square,
        to ``(batch, 5)``: four offsets as in `sonar_debris.detection.boxes.apply_offsets`, then the IoU in
        [0, 1] that the refined box will have with an object.
    """
    crops = keras.Input((SIZE, SIZE, 1))
    features = residual_trunk(crops, (24, 48, 64, 96))
    features = layers.Dense(128, activation="relu")(layers.Flatten()(features))
    features = layers.Dropout(dropout)(features)
    offsets = layers.Dense(4, dtype="float32", name="offsets")(features)
    overlap = layers.Dense(1, activation="sigmoid", dtype="float32", name="overlap")(features)
    return keras.Model(crops, layers.Concatenate(dtype="float32")([offsets, overlap]), name="box_refiner")
