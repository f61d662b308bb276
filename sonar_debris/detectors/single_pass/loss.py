"""The loss of the single-pass network: label assignment, objectness, boxes and classes.

References:
    Feng et al., TOOD: Task-aligned One-stage Object Detection, 2021, arXiv:2108.07755, equation 2 (assignment).
    Zhang et al., VarifocalNet, 2021, arXiv:2008.13367, equation 2 (objectness).
    Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7 (boxes).
"""

from keras import KerasTensor, ops

from sonar_debris.detectors.single_pass.network import split_outputs
from sonar_debris.networks import (
    normalised_centre_distance,
    paired_iou,
    register_loss,
    score_entropy,
    smoothed_class_entropy,
)

# Number of locations that are assigned to each object.
TOP_K = 10
# Exponents of the score and of the IoU in the alignment.
SCORE_POWER, IOU_POWER = 0.5, 4.0
# Weight of the centredness in the alignment: it decides only while no predicted box overlaps the object.
CENTREDNESS_WEIGHT = 1e-6
# Least half width and height of a box, in strides, for the centredness: a smaller box may contain no location.
MIN_HALF_SIDE = 0.75
# Varifocal weights of locations without an object.
ALPHA, GAMMA = 0.75, 2.0
BOX_WEIGHT, CLASS_WEIGHT = 2.0, 1.0
SMOOTHING = 0.05
# Probabilities are clipped to this distance from 0 and 1.
EPSILON = 1e-6


@register_loss
def single_pass_loss(target: KerasTensor, predicted: KerasTensor) -> KerasTensor:
    """Return the sum of the varifocal loss of objectness, the distance-IoU loss of boxes and the class cross-entropy.

    Args:
        target: ``(batch, M, 5)`` labelled boxes: left, top, right and bottom in units of the network's stride, then the
            class index; the class of rows without a box is -1.
        predicted: ``(batch, rows, cols, 5 + classes)`` output of `build_single_pass`.

    Returns:
        ``(batch,)`` losses; their mean is the loss of the batch, divided by the batch's mean sum of IoU.
    """
    rows, cols = ops.shape(predicted)[1:3]
    outputs = split_outputs(ops.reshape(predicted, (-1, rows * cols, predicted.shape[-1])))
    score = ops.clip(outputs.objectness, EPSILON, 1 - EPSILON)
    class_probabilities = ops.clip(outputs.class_probabilities, EPSILON, 1)
    locations = grid_locations(rows, cols)
    boxes = ops.concatenate(outputs.boxes(locations), axis=-1)
    true_boxes, true_class = target[..., :4], ops.cast(target[..., 4], "int32")

    iou_with_all = paired_iou(true_boxes[:, :, None], boxes[:, None])  # (batch, M, locations)
    fit = alignment(iou_with_all, score, class_probabilities, true_class, centredness(true_boxes, locations))
    fit = ops.stop_gradient(fit)
    assigned = ops.argmax(fit, axis=1)[..., None]  # of several objects at one location, the best fitting
    has_object = ops.cast(ops.max(fit, axis=1) > 0, "float32")
    true_boxes = ops.take_along_axis(true_boxes, assigned, axis=1)
    true_class = ops.take_along_axis(true_class[..., None], assigned, axis=1)[..., 0]

    iou = paired_iou(true_boxes, boxes)
    target_score = ops.stop_gradient(iou) * has_object
    weight = ops.where(has_object > 0, target_score, ALPHA * score**GAMMA)
    objectness_loss = weight * score_entropy(target_score, score)
    box_loss = target_score * (1 - iou + normalised_centre_distance(true_boxes, boxes))
    class_loss = target_score * smoothed_class_entropy(true_class, class_probabilities, SMOOTHING)
    total = ops.sum(objectness_loss + BOX_WEIGHT * box_loss + CLASS_WEIGHT * class_loss, axis=1)
    return total / ops.maximum(ops.mean(ops.sum(target_score, axis=1)), 1.0)


def grid_locations(rows: int, cols: int) -> KerasTensor:
    """Return the centres of a grid's cells.

    Args:
        rows: number of rows of cells.
        cols: number of columns of cells.

    Returns:
        ``(rows · cols, 2)`` x and y in units of the network's stride, row by row.
    """
    x, y = ops.meshgrid(ops.arange(cols, dtype="float32") + 0.5, ops.arange(rows, dtype="float32") + 0.5)
    return ops.stack([ops.reshape(x, (-1,)), ops.reshape(y, (-1,))], axis=-1)


def centredness(true_boxes: KerasTensor, locations: KerasTensor) -> KerasTensor:
    """Return how central each location is in each labelled box.

    Args:
        true_boxes: ``(batch, M, 4)`` xyxy in units of the network's stride.
        locations: ``(locations, 2)`` x and y in the same unit.

    Returns:
        ``(batch, M, locations)`` from 1 at the centre of the box to 0 at its sides and outside.
    """
    centre = (true_boxes[..., :2] + true_boxes[..., 2:]) / 2
    half_side = ops.maximum((true_boxes[..., 2:] - true_boxes[..., :2]) / 2, MIN_HALF_SIDE)
    distance = ops.abs(locations - centre[:, :, None]) / half_side[:, :, None]
    return ops.maximum(1 - ops.max(distance, axis=-1), 0)


def alignment(
    iou: KerasTensor,
    score: KerasTensor,
    class_probabilities: KerasTensor,
    true_class: KerasTensor,
    central: KerasTensor,
) -> KerasTensor:
    """Return how well each location fits each labelled box: score and IoU together, of the `TOP_K` best locations.

    Args:
        iou: ``(batch, M, locations)`` IoU of the labelled and the predicted boxes.
        score: ``(batch, locations)`` predicted objectness.
        class_probabilities: ``(batch, locations, classes)``.
        true_class: ``(batch, M)`` int32 class indices; -1 for rows without a box.
        central: ``(batch, M, locations)``, see `centredness`.

    Returns:
        ``(batch, M, locations)``, above 0 where the location is assigned to the box, unless it fits another box better.
    """
    one_hot = ops.one_hot(true_class, class_probabilities.shape[-1])  # all 0 in rows without a box
    true_probability = ops.matmul(one_hot, ops.swapaxes(class_probabilities, 1, 2)) * score[:, None]
    fit = true_probability**SCORE_POWER * iou**IOU_POWER + CENTREDNESS_WEIGHT * central
    has_box = ops.cast(true_class >= 0, "float32")[..., None]
    fit = fit * ops.cast(central > 0, "float32") * has_box
    lowest = ops.top_k(fit, TOP_K)[0][..., -1:]
    return ops.where(fit >= lowest, fit, 0.0)
