"""Suppress boxes that show the same object as another box of their frame."""

import numpy as np
import pandas as pd

from sonar_debris.boxes import intersection_over_smaller, non_maximum_suppression

# Intersection-over-smaller above which two boxes of a frame show the same object.
MAX_INTERSECTION_OVER_SMALLER = 0.5
# Of two such boxes the accepted one is kept, the rejected one is suppressed; scores, at most 1, decide between equals.
PRECEDENCE = {"accepted": 4.0, "undecided": 2.0, "rejected": 0.0}


def suppress_duplicates(detections: pd.DataFrame) -> pd.DataFrame:
    """Suppress boxes that overlap a box of higher score in the same frame, or one that a person preferred.

    The detector's own non-maximum suppression keeps the boxes of a part and of the whole object.

    Args:
        detections: one row per detection: ``source`` and ``position`` of its frame, its box ``x y w h`` in pixels, its
            ``score`` and ``verdict``.

    Returns:
        The rows that are not suppressed, in the same order.
    """
    xyxy, scores = _boxes(detections), detections["score"].to_numpy() + detections["verdict"].map(PRECEDENCE).to_numpy()
    kept_rows = [np.zeros(0, int)]
    for rows in _rows_by_frame(detections):
        kept = non_maximum_suppression(
            xyxy[rows], scores[rows], MAX_INTERSECTION_OVER_SMALLER, intersection_over_smaller
        )
        kept_rows.append(rows[kept])
    return detections.iloc[np.sort(np.concatenate(kept_rows))]


def assign_duplicates(detections: pd.DataFrame, object_ids: pd.Series) -> pd.DataFrame:
    """Return the suppressed detections, with the ``object`` of the box that overlaps each most; NaN for clutter.

    Args:
        detections: all detections of a sequence.
        object_ids: object of each detection that was not suppressed, by its index label.

    Returns:
        The suppressed rows with the column ``object``.
    """
    xyxy = _boxes(detections)
    objects = object_ids.reindex(detections.index).to_numpy(float, copy=True)
    is_suppressed = ~detections.index.isin(object_ids.index)
    for rows in _rows_by_frame(detections):
        suppressed, kept = rows[is_suppressed[rows]], rows[~is_suppressed[rows]]
        if len(suppressed):
            overlaps = intersection_over_smaller(xyxy[suppressed], xyxy[kept])
            objects[suppressed] = objects[kept][overlaps.argmax(axis=1)]
    return detections.assign(object=objects)[is_suppressed]


def overlaps_any(detections: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Return whether each detection shows the same object as one of the others in its frame.

    Args:
        detections: one row per detection, as for `suppress_duplicates`.
        others: the same.

    Returns:
        ``(N,)`` bool.
    """
    xyxy, others_xyxy = _boxes(detections), _boxes(others)
    others_by_frame = others.groupby(["source", "position"], sort=False).indices
    overlapping = np.zeros(len(detections), bool)
    for frame, rows in detections.groupby(["source", "position"], sort=False).indices.items():
        if frame in others_by_frame:
            overlaps = intersection_over_smaller(xyxy[rows], others_xyxy[others_by_frame[frame]])
            overlapping[rows] = (overlaps > MAX_INTERSECTION_OVER_SMALLER).any(axis=1)
    return overlapping


def _boxes(detections: pd.DataFrame) -> np.ndarray:
    x, y, w, h = detections[["x", "y", "w", "h"]].to_numpy(float).T
    return np.column_stack([x, y, x + w, y + h])


def _rows_by_frame(detections: pd.DataFrame) -> list[np.ndarray]:
    """Return for each frame the row numbers of its detections."""
    groups = detections.groupby(["source", "position"], sort=False).indices
    return [np.asarray(rows) for rows in groups.values()]
