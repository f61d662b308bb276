"""Cuts boxes off where the fan ends: what the sonar does not see, no label holds."""

import numpy as np


def clip_to_fan(xyxy: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Shrink boxes to the part of the fan that they hold.

    Args:
        xyxy: ``(N, 4)`` boxes in pixels.
        image: ``(rows, cols)``, 0 outside the fan.

    Returns:
        ``(N, 4)`` boxes; those of boxes beside the fan have no area.
    """
    fan = image != 0
    left, right = _within(fan, xyxy[:, 1], xyxy[:, 3])
    top, bottom = _within(fan.T, xyxy[:, 0], xyxy[:, 2])
    low = np.maximum(xyxy[:, :2], np.column_stack([left, top]))
    high = np.minimum(xyxy[:, 2:], np.column_stack([right, bottom]))
    return np.concatenate([low, np.maximum(low, high)], axis=1).astype(xyxy.dtype)


def _within(fan: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first column of the fan, and the one behind the last, among the rows from ``low`` to ``high`` of each box."""
    rows, cols = fan.shape
    seen = fan.any(axis=1)
    # One more row, without fan: the last box's range may end behind the frame.
    first = np.append(np.where(seen, fan.argmax(axis=1), cols), cols)
    behind = np.append(np.where(seen, cols - fan[:, ::-1].argmax(axis=1), 0), 0)
    begin = np.clip(np.floor(low).astype(int), 0, rows - 1)
    end = np.clip(np.ceil(high).astype(int), begin + 1, rows)
    pairs = np.column_stack([begin, end]).ravel()
    return np.minimum.reduceat(first, pairs)[::2], np.maximum.reduceat(behind, pairs)[::2]
