"""The objectness network, which scores 96×96 windows, and the box refiner, which fits proposals. Both ignore classes.

References:
    Valdenegro-Toro, Objectness Scoring and Detection Proposals in Forward-Looking Sonar Images with
    Convolutional Neural Networks, 2016, doi:10.1007/978-3-319-46182-3_18 (objectness).
    Girshick, Fast R-CNN, 2015, arXiv:1504.08083 (offsets from a proposal).
    Jiang et al., Acquisition of Localization Confidence (IoU-Net), 2018, arXiv:1807.11590 (predicted IoU).
    Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7 (the box refiner's loss).
    Zhang et al., VarifocalNet, 2021, arXiv:2008.13367 (the IoU of the predicted box as the target of its score).
"""

import keras
from keras import KerasTensor, layers, ops

from sonar_debris.networks import normalised_centre_distance, paired_iou, register_loss, residual_trunk, score_entropy

# Side of the objectness network's windows in pixels of the pyramid level.
OBJECTNESS_WINDOW = 96
# Two 2×2 poolings: windows of neighbouring outputs of the dense network are this many pixels apart.
STRIDE = 4
# Side of the box refiner's crops in pixels.
REFINER_SIZE = 64
# Side of those crops relative to the proposal: the surroundings let the refiner move a box's sides outwards.
REFINER_CONTEXT = 1.6
# Largest natural logarithm of the scale that the box refiner may apply. The bound keeps exponentials finite early in
# training; a scale beyond e² is no refinement.
MAX_LOG_SCALE = 2.0


def build_objectness() -> keras.Model:
    """Build the objectness network: Conv(32, 5×5)-MP-Conv(32, 5×5)-MP-FC(96)-FC(1), unpadded, with batch-norm.

    Returns:
        A model from windows ``(batch, 96, 96, 1)`` of normalised frames to objectness ``(batch, 1)`` in [0, 1].
    """
    return keras.Sequential(
        [
            keras.Input((OBJECTNESS_WINDOW, OBJECTNESS_WINDOW, 1)),
            *_convolutions(),
            layers.Flatten(name="flatten"),
            layers.Dense(96, activation="relu", name="fc"),
            layers.Dropout(0.5),
            # float32 in any precision: the 8 bits of a bfloat16 mantissa are too few for a score.
            layers.Dense(1, activation="sigmoid", dtype="float32", name="objectness"),
        ],
        name="objectness_network",
    )


def make_dense(window_network: keras.Model, step: int = 1) -> keras.Model:
    """Convert the objectness network to a fully-convolutional network over a whole image, with the same weights.

    A fully-connected layer over a 21×21 feature map is a 21×21 convolution, so both networks give the same scores.
    The dense network computes the features that overlapping windows share only once.

    Args:
        window_network: a network of `build_objectness`.
        step: keep every ``step``-th window in both directions; windows are ``4 · step`` pixels apart.

    Returns:
        A model from images ``(batch, rows, cols, 1)`` of any size from 96×96 to objectness maps
        ``(batch, (rows - 96) // (4 · step) + 1, (cols - 96) // (4 · step) + 1, 1)``. Entry (i, j) is the
        score of the window whose top left corner is at ``(4 · step · i, 4 · step · j)``.
    """
    fc, score = window_network.get_layer("fc"), window_network.get_layer("objectness")
    side = OBJECTNESS_WINDOW // STRIDE - 3
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
        kernel = kernel.reshape(kernel_side, kernel_side, -1, kernel.shape[-1])
        dense.get_layer(layer.name).set_weights([kernel, bias])
    return dense


def _convolutions() -> list[layers.Layer]:
    stack = []
    for number in (1, 2):
        stack += [
            layers.Conv2D(32, 5, use_bias=False, name=f"conv{number}"),
            # Normalised after the pooling: that is a quarter of the work, and the network is as good.
            layers.MaxPooling2D(name=f"pool{number}"),
            # With Keras' default momentum of 0.99 the running statistics need thousands of steps to converge.
            layers.BatchNormalization(momentum=0.9, name=f"norm{number}"),
            layers.ReLU(name=f"relu{number}"),
        ]
    return stack


def build_box_refiner() -> keras.Model:
    """Build the box refiner: residual trunk, FC(128), five outputs.

    Returns:
        A model from crops ``(batch, 64, 64, 1)``, each a proposal with its surroundings stretched to a square, to
        ``(batch, 5)``: four offsets as in `sonar_debris.boxes.apply_offsets`, and the IoU in [0, 1] that the refined
        box is predicted to have with an object.
    """
    crops = keras.Input((REFINER_SIZE, REFINER_SIZE, 1))
    features = residual_trunk(crops, (24, 48, 64, 96))
    features = layers.Dense(128, activation="relu")(layers.Flatten()(features))
    features = layers.Dropout(0.2)(features)
    offsets = layers.Dense(4, dtype="float32", name="offsets")(features)
    predicted_iou = layers.Dense(1, activation="sigmoid", dtype="float32", name="overlap")(features)
    return keras.Model(crops, layers.Concatenate(dtype="float32")([offsets, predicted_iou]), name="box_refiner")


@register_loss
def refinement_loss(target: KerasTensor, predicted: KerasTensor) -> KerasTensor:
    """Return the box refiner's loss: distance-IoU loss of the box, and cross-entropy of the predicted IoU.

    Args:
        target: ``(batch, 5)``: the four offsets to the object's box, and 1; all 0 if there is no object.
        predicted: ``(batch, 5)``: four offsets, and the predicted IoU in [0, 1].

    Returns:
        ``(batch,)`` losses.
    """
    is_object = target[:, 4]
    true_box, predicted_box = _unit_boxes(target), _unit_boxes(predicted)
    iou, distance = paired_iou(true_box, predicted_box), normalised_centre_distance(true_box, predicted_box)
    reached_iou = ops.stop_gradient(iou) * is_object
    predicted_iou = ops.clip(predicted[:, 4], 1e-6, 1 - 1e-6)
    return is_object * (1 - iou + distance) + score_entropy(reached_iou, predicted_iou)


def _unit_boxes(offsets: KerasTensor) -> KerasTensor:
    """Return boxes ``(batch, 4)`` in units of their proposal, which is ``[-0.5, -0.5, 0.5, 0.5]``."""
    half_extent = ops.exp(ops.clip(offsets[:, 2:4], -MAX_LOG_SCALE, MAX_LOG_SCALE)) / 2
    return ops.concatenate([offsets[:, :2] - half_extent, offsets[:, :2] + half_extent], axis=-1)
