"""Box arithmetic: overlap, non-maximum suppression and regression offsets.

Boxes are ``xyxy`` in pixels: left, top, right, bottom. An empty set of boxes is an array of shape ``(0, 4)``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def area(xyxy: Floats) -> Floats:
    """Return the areas ``(N,)`` of boxes ``(N, 4)`` in square pixels; an inverted box has the area 0."""
    sides = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def iou(a: Floats, b: Floats) -> Floats:
    """Return the intersection over union of every box of ``a`` with every box of ``b``.

    Args:
        a: ``(N, 4)`` boxes.
        b: ``(M, 4)`` boxes.

    Returns:
        ``(N, M)`` values in [0, 1]; 0 where both boxes are empty.
    """
    intersection = _intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - intersection
    return intersection / np.maximum(union, 1e-9)


def intersection_over_smaller(a: Floats, b: Floats) -> Floats:
    """Return the intersection over the area of the smaller box, for every box of ``a`` with every box of ``b``.

    Args:
        a: ``(N, 4)`` boxes.
        b: ``(M, 4)`` boxes.

    Returns:
        ``(N, M)`` values in [0, 1]; 0 where a box is empty.
    """
    return _intersection(a, b) / np.maximum(np.minimum(area(a)[:, None], area(b)[None]), 1e-9)


def _intersection(a: Floats, b: Floats) -> Floats:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides: Floats = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def non_maximum_suppression(
    xyxy: Floats,
    score: Floats,
    threshold: float,
    overlap: Callable[[Floats, Floats], Floats] = iou,
) -> NDArray[np.int64]:
    """Return the indices of the boxes that non-maximum suppression keeps, sorted by score.

    Args:
        xyxy: ``(N, 4)`` boxes.
        score: ``(N,)`` scores.
        threshold: a box is suppressed if a box of higher score overlaps it by more than this.
        overlap: the measure of overlap.

    Returns:
        ``(K,)`` int64 indices, K ≤ N.
    """
    order = np.argsort(-score, kind="stable")
    keep = []
    while len(order):
        best, rest = order[0], order[1:]
        keep.append(best)
        order = rest[overlap(xyxy[best : best + 1], xyxy[rest])[0] <= threshold]
    return np.array(keep, dtype=np.int64)


def suppress_by_class(xyxy: Floats, class_id: NDArray[np.int64], score: Floats, threshold: float) -> NDArray[np.int64]:
    """Return the indices of the boxes that non-maximum suppression within each class keeps, sorted by score.

    Args:
        xyxy: ``(N, 4)`` boxes without negative coordinates.
        class_id: ``(N,)`` class indices.
        score: ``(N,)`` scores.
        threshold: a box is suppressed if a box of the same class and higher score has a larger IoU with it.

    Returns:
        ``(K,)`` int64 indices, K ≤ N.
    """
    # An offset per class moves boxes of different classes so far apart that they never overlap.
    offset = np.float64(xyxy.max(initial=0) + 1)
    return non_maximum_suppression(xyxy + offset * class_id[:, None], score, threshold)


def clip(xyxy: Floats, shape: tuple[int, int]) -> Floats:
    """Clip boxes to an image.

    Args:
        xyxy: ``(N, 4)`` boxes.
        shape: (rows, cols) of the image.

    Returns:
        ``(N, 4)`` boxes of the same dtype.
    """
    rows, cols = shape
    return np.clip(xyxy, 0, np.array([cols, rows, cols, rows], dtype=xyxy.dtype))


def centre_and_extent(xyxy: Floats) -> tuple[Floats, Floats]:
    """Return the centres ``(N, 2)`` and extents ``(N, 2)`` (width, height) of boxes ``(N, 4)``."""
    return (xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]


def from_centre_and_extent(centre: Floats, extent: Floats) -> Floats:
    """Return boxes from their centres and extents.

    Args:
        centre: ``(N, 2)`` x, y.
        extent: ``(N, 2)`` width, height.

    Returns:
        ``(N, 4)`` boxes.
    """
    return np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)


def apply_offsets(xyxy: Floats, offsets: Floats) -> Floats:
    """Apply regression offsets, as the box refiner predicts them, to boxes.

    Args:
        xyxy: ``(N, 4)`` boxes.
        offsets: ``(N, 4)``: shift of the centre in widths and heights, then the logarithm of the scale of width and
            height.

    Returns:
        ``(N, 4)`` boxes.

    Reference:
        Girshick et al., Rich feature hierarchies (R-CNN), 2014, appendix C.
    """
    centre, extent = centre_and_extent(xyxy)
    return from_centre_and_extent(centre + offsets[:, :2] * extent, extent * np.exp(offsets[:, 2:]))
