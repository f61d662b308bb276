"""Which box meets which object, whatever they are called."""

import numpy as np

from sonar_debris.detection.boxes import iou


def meet(true: np.ndarray, xyxy: np.ndarray, overlap: float = 0.5) -> np.ndarray:
    """For each box, best first, the free object that it overlaps most.

    Args:
        true: ``(M, 4)`` boxes of objects.
        xyxy: ``(N, 4)`` found boxes, best first.
        overlap: least IoU.

    Returns:
        ``(N,)`` indices into ``true``, each at most once; -1 for a box that meets none.
    """
    shared = iou(xyxy, true)
    pairs = np.full(len(xyxy), -1)
    for number in range(len(xyxy) if len(true) else 0):
        best = shared[number].argmax()
        if shared[number, best] >= overlap:
            pairs[number] = best
            shared[:, best] = 0  # each object is met once
    return pairs
