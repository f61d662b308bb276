"""Arithmetic on boxes: overlap, suppression, and the offsets that refine one box into another.

Boxes are ``xyxy`` in pixels: left, top, right, bottom; an empty set is an array of shape ``(0, 4)``.
"""

from collections.abc import Callable

import numpy as np


def area(xyxy: np.ndarray) -> np.ndarray:
    """Areas ``(N,)`` of boxes ``(N, 4)``, in square pixels; 0 for an inverted box."""
    side = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 0)
    return side[:, 0] * side[:, 1]


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of ``a`` with every box of ``b``.

    Args:
        a: ``(N, 4)`` boxes.
        b: ``(M, 4)`` boxes.

    Returns:
        ``(N, M)`` values in [0, 1]; 0 where both boxes are empty.
    """
    overlap = _intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - overlap
    return overlap / np.maximum(union, 1e-9)


def intersection_over_smaller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Share of the smaller box that lies in the larger, of every box of ``a`` with every box of ``b``.

    Args:
        a: ``(N, 4)`` boxes.
        b: ``(M, 4)`` boxes.

    Returns:
        ``(N, M)`` values in [0, 1]; 0 where a box is empty.
    """
    return _intersection(a, b) / np.maximum(np.minimum(area(a)[:, None], area(b)[None]), 1e-9)


def _intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    side = np.maximum(high - low, 0)
    return side[..., 0] * side[..., 1]


def non_maximum_suppression(
    xyxy: np.ndarray,
    score: np.ndarray,
    threshold: float,
    overlap: Callable[[np.ndarray, np.ndarray], np.ndarray] = iou,
) -> np.ndarray:
    """Indices of the boxes that stay, best score first.

    Args:
        xyxy: ``(N, 4)`` boxes.
        score: ``(N,)`` scores.
        threshold: a box goes if a better one overlaps it more than this.
        overlap: how that is measured.

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


def suppress_by_class(xyxy: np.ndarray, class_id: np.ndarray, score: np.ndarray, threshold: float) -> np.ndarray:
    """The same among the boxes of each class only.

    Args:
        xyxy: ``(N, 4)`` boxes, no coordinate negative.
        class_id: ``(N,)`` their classes.
        score: ``(N,)`` scores.
        threshold: a box goes if a better one of its class overlaps it more than this.

    Returns:
        ``(K,)`` int64 indices, K ≤ N, best score first.
    """
    # Moved so far apart that boxes of two classes never overlap.
    far = np.float64(xyxy.max(initial=0) + 1)
    return non_maximum_suppression(xyxy + far * class_id[:, None], score, threshold)


def clip(xyxy: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Boxes ``(N, 4)`` cut off at the border of an image of ``shape`` (rows, cols)."""
    rows, cols = shape
    return np.clip(xyxy, 0, np.array([cols, rows, cols, rows], dtype=xyxy.dtype))


def centre_and_extent(xyxy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres ``(N, 2)`` and extents ``(N, 2)`` (width, height) of boxes ``(N, 4)``."""
    return (xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]


def from_centre_and_extent(centre: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Boxes ``(N, 4)`` from centres and extents ``(N, 2)``."""
    return np.concatenate([centre - extent / 2, centre + extent / 2], axis=1)


def apply_offsets(xyxy: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Move and stretch boxes by the offsets that the box refiner predicts.

    Args:
        xyxy: ``(N, 4)`` boxes.
        offsets: ``(N, 4)``: shift of the centre in widths and heights, then the logarithm of the stretch.

    Returns:
        ``(N, 4)`` boxes.

    Reference:
        Girshick et al., Rich feature hierarchies (R-CNN), 2014, appendix C.
    """
    centre, extent = centre_and_extent(xyxy)
    return from_centre_and_extent(centre + offsets[:, :2] * extent, extent * np.exp(offsets[:, 2:]))
