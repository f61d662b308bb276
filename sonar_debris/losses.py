"""Parts of losses that several networks share: overlap and distance of boxes, and cross-entropies.

All functions work on tensors of `keras.ops`, so that they are differentiable with each backend.
"""

from collections.abc import Callable

import keras
from keras import KerasTensor, ops

Loss = Callable[[KerasTensor, KerasTensor], KerasTensor]

# Lower bound of denominators.
EPSILON = 1e-6


def register_loss(loss: Loss) -> Loss:
    """Register a loss with Keras under its name, so that files of networks compiled with it can be loaded."""
    return keras.saving.register_keras_serializable("sonar_debris")(loss)


def paired_iou(a: KerasTensor, b: KerasTensor) -> KerasTensor:
    """Return the IoU of pairs of boxes.

    Args:
        a: ``(..., 4)`` boxes, xyxy in any unit.
        b: ``(..., 4)`` boxes in the same unit; the leading axes are broadcast against those of ``a``.

    Returns:
        ``(...)`` IoU in [0, 1].
    """
    shared = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0)
    intersection = ops.prod(shared, axis=-1)
    union = _area(a) + _area(b) - intersection
    return intersection / ops.maximum(union, EPSILON)


def normalised_centre_distance(a: KerasTensor, b: KerasTensor) -> KerasTensor:
    """Return the squared distance of the centres over the squared diagonal of the box that encloses both.

    The distance-IoU loss of two boxes is 1 - IoU + this distance.

    Args:
        a: ``(..., 4)`` boxes, xyxy in any unit.
        b: ``(..., 4)`` boxes in the same unit; the leading axes are broadcast against those of ``a``.

    Returns:
        ``(...)`` distances in [0, 1).

    Reference:
        Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7.
    """
    enclosing = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    between = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return ops.sum(between**2, axis=-1) / ops.maximum(ops.sum(enclosing**2, axis=-1), EPSILON)


def score_entropy(target: KerasTensor, score: KerasTensor) -> KerasTensor:
    """Return the binary cross-entropy of scores, element by element.

    Args:
        target: ``(...)`` in [0, 1], e.g. the IoU that the predicted box reaches.
        score: ``(...)`` inside (0, 1); clip it first.

    Returns:
        ``(...)`` losses.
    """
    return -(target * ops.log(score) + (1 - target) * ops.log(1 - score))


def smoothed_class_entropy(class_id: KerasTensor, probabilities: KerasTensor, smoothing: float = 0.05) -> KerasTensor:
    """Return the cross-entropy of class probabilities with label smoothing.

    Args:
        class_id: ``(...)`` int32 class indices; -1 stands for no class.
        probabilities: ``(..., classes)`` in (0, 1].
        smoothing: share of the target that is spread over all classes.

    Returns:
        ``(...)`` losses.
    """
    one_hot = ops.one_hot(class_id, probabilities.shape[-1])
    return keras.losses.categorical_crossentropy(one_hot, probabilities, label_smoothing=smoothing)


def _area(boxes: KerasTensor) -> KerasTensor:
    return ops.prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
