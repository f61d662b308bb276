"""What the box refiner learns: boxes that overlap, and an honest guess of how much they do."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("sonar_debris")
def refinement_loss(target, predicted):
    """Distance-IoU loss on offsets, and cross-entropy between the guessed and the reached IoU.

    All boxes are in units of their proposal, which is ``[-0.5, -0.5, 0.5, 0.5]``.

    Args:
        target: ``(batch, 5)``: the four offsets to the object's box, and 1 where there is an object, else 0.
        predicted: ``(batch, 5)``: four offsets and the guessed IoU in (0, 1).

    Returns:
        ``(batch,)`` losses.

    References:
        Zheng et al., Distance-IoU Loss, 2020, arXiv:1911.08287, equation 7.
        Zhang et al., VarifocalNet, 2021, arXiv:2008.13367 (the reached IoU as the target of the score).
    """
    present = target[:, 4]
    true, guess = _boxes(target), _boxes(predicted)
    overlap, distance = _overlap_and_distance(true, guess)
    reached = ops.stop_gradient(overlap) * present
    score = ops.clip(predicted[:, 4], 1e-6, 1 - 1e-6)
    entropy = -(reached * ops.log(score) + (1 - reached) * ops.log(1 - score))
    return present * (1 - overlap + distance) + entropy


def _boxes(offsets):
    """Low and high corners, each ``(batch, 2)``."""
    # A stretch beyond e² either way is no refinement; the bound keeps the exponential tame early in training.
    half = ops.exp(ops.clip(offsets[:, 2:4], -2, 2)) / 2
    return offsets[:, :2] - half, offsets[:, :2] + half


def _overlap_and_distance(a, b):
    """IoU, and squared distance of the centres over the squared diagonal of the box around both."""
    side = ops.maximum(ops.minimum(a[1], b[1]) - ops.maximum(a[0], b[0]), 0)
    shared = ops.prod(side, axis=-1)
    union = ops.prod(a[1] - a[0], axis=-1) + ops.prod(b[1] - b[0], axis=-1) - shared
    hull = ops.maximum(a[1], b[1]) - ops.minimum(a[0], b[0])
    between = (a[0] + a[1] - b[0] - b[1]) / 2
    return shared / union, ops.sum(between**2, axis=-1) / ops.sum(hull**2, axis=-1)
