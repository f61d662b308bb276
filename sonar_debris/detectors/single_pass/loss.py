"""What the single-pass detector learns: which locations answer for an object, and what they should say.

References:
    Feng et al., TOOD: Task-aligned One-stage Object Detection, 2021, arXiv:2108.07755, equation 2 (assignment).
    Zhang et al., VarifocalNet, 2021, arXiv:2008.13367, equation 2 (objectness).
    Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7 (boxes).
"""

import keras
from keras import ops

# Locations that answer for one object.
TOP_K = 10
# How much the score and the overlap count in choosing them.
SCORE_POWER, IOU_POWER = 0.5, 4.0
# Varifocal weights of locations without an object.
ALPHA, GAMMA = 0.75, 2.0
BOX_WEIGHT, CLASS_WEIGHT = 2.0, 1.0
SMOOTHING = 0.05


@keras.saving.register_keras_serializable("sonar_debris")
def single_pass_loss(target, predicted):
    """Varifocal loss of objectness, distance-IoU loss of boxes, cross-entropy of classes.

    Args:
        target: ``(batch, M, 5)``: boxes as left, top, right, bottom in units of the network's stride, then the class;
            rows whose class is -1 hold no box.
        predicted: ``(batch, rows, cols, 5 + classes)``, as `build_single_pass` gives it.

    Returns:
        ``(batch,)`` losses, whose mean is per unit of the batch's objectness.
    """
    rows, cols = ops.shape(predicted)[1:3]
    predicted = ops.reshape(predicted, (-1, rows * cols, predicted.shape[-1]))
    score, named = ops.clip(predicted[..., 0], 1e-6, 1 - 1e-6), ops.clip(predicted[..., 5:], 1e-6, 1)
    at = _locations(rows, cols)
    boxes = ops.concatenate([at - predicted[..., 1:3], at + predicted[..., 3:5]], axis=-1)
    truth, class_id = target[..., :4], ops.cast(target[..., 4], "int32")

    overlap = _overlap(truth[:, :, None], boxes[:, None])  # (batch, M, locations)
    fit = ops.stop_gradient(_alignment(overlap, score, named, class_id, _centredness(truth, at)))
    answered = ops.argmax(fit, axis=1)[..., None]  # of several objects at one location, the best fitting
    present = ops.cast(ops.max(fit, axis=1) > 0, "float32")
    truth = ops.take_along_axis(truth, answered, axis=1)
    class_id = ops.take_along_axis(class_id[..., None], answered, axis=1)[..., 0]

    overlap, distance = _overlap(truth, boxes), _distance(truth, boxes)
    reached = ops.stop_gradient(overlap) * present
    weight = ops.where(present > 0, reached, ALPHA * score**GAMMA)
    objectness = weight * -(reached * ops.log(score) + (1 - reached) * ops.log(1 - score))
    box = reached * (1 - overlap + distance)
    naming = reached * _cross_entropy(class_id, named)
    total = ops.sum(objectness + BOX_WEIGHT * box + CLASS_WEIGHT * naming, axis=1)
    return total / ops.maximum(ops.mean(ops.sum(reached, axis=1)), 1.0)


def _locations(rows: int, cols: int):
    """``(locations, 2)`` centres of the grid's cells, x before y, in strides."""
    x, y = ops.meshgrid(ops.arange(cols, dtype="float32") + 0.5, ops.arange(rows, dtype="float32") + 0.5)
    return ops.stack([ops.reshape(x, (-1,)), ops.reshape(y, (-1,))], axis=-1)


def _centredness(truth, at):
    """How central a location lies in a box: ``(batch, M, locations)``, from 1 at its centre to 0 at its sides."""
    centre, half = (truth[..., :2] + truth[..., 2:]) / 2, (truth[..., 2:] - truth[..., :2]) / 2
    # A box narrower than a cell may hold no location: it is taken to be a cell wide.
    away = ops.abs(at - centre[:, :, None]) / ops.maximum(half, 0.75)[:, :, None]
    return ops.maximum(1 - ops.max(away, axis=-1), 0)


def _alignment(overlap, score, named, class_id, inside):
    """``(batch, M, locations)``: how well a location answers for a box; 0 where it is not among the best."""
    wanted = ops.one_hot(class_id, named.shape[-1])  # all 0 where there is no box
    likely = ops.matmul(wanted, ops.swapaxes(named, 1, 2)) * score[:, None]
    valid = ops.cast(class_id >= 0, "float32")[..., None]
    # Before anything overlaps, the most central locations answer.
    fit = (likely**SCORE_POWER * overlap**IOU_POWER + 1e-6 * inside) * ops.cast(inside > 0, "float32") * valid
    worst = ops.top_k(fit, TOP_K)[0][..., -1:]
    return ops.where(fit >= worst, fit, 0.0)


def _sides(box):
    return box[..., 2:] - box[..., :2]


def _overlap(a, b):
    side = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0)
    shared = ops.prod(side, axis=-1)
    return shared / ops.maximum(ops.prod(_sides(a), axis=-1) + ops.prod(_sides(b), axis=-1) - shared, 1e-6)


def _distance(a, b):
    """Squared distance of the centres over the squared diagonal of the box around both."""
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    between = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return ops.sum(between**2, axis=-1) / ops.maximum(ops.sum(hull**2, axis=-1), 1e-6)


def _cross_entropy(class_id, named):
    one_hot = ops.one_hot(class_id, named.shape[-1])
    return keras.losses.categorical_crossentropy(one_hot, named, label_smoothing=SMOOTHING)
