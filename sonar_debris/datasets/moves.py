"""Turns, scales, shifts and mirrorings of frames and of the boxes in them."""

from collections.abc import Sequence

import numpy as np


def move_boxes(xyxy: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Boxes ``(N, 4)`` around the moved ellipses that the boxes enclose: a turn makes them hardly larger."""
    centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    linear = motion[:, :2]
    centre, half = centre @ linear.T + motion[:, 2], np.sqrt(half**2 @ (linear**2).T)
    return np.float32(np.concatenate([centre - half, centre + half], axis=1))


def draw_affine(
    rng: np.random.Generator,
    source: Sequence[float],
    goal: Sequence[float],
    turn: float,
    stretch: float,
    quarters: bool = False,
) -> np.ndarray:
    """A turn of up to ``turn`` degrees and a scale of up to e^``stretch`` either way, mirrored half of the time.

    Args:
        rng: random generator.
        source: the point, x and y, that is moved to ``goal``.
        goal: where to.
        turn: highest, in degrees.
        stretch: highest, as a logarithm.
        quarters: turn by a multiple of 90 degrees as well.

    Returns:
        ``(2, 3)`` affine matrix.
    """
    angle, scale = np.deg2rad(rng.uniform(-turn, turn)), np.exp(rng.uniform(-stretch, stretch))
    if quarters:
        angle += np.pi / 2 * rng.integers(4)
    linear = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    return np.column_stack([linear, np.asarray(goal) - linear @ np.asarray(source)])
