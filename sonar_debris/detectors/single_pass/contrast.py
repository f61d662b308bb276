"""The probability that a box shows an object of any class, from its objectness and from how its echoes stand out.

The network's objectness is low for objects unlike those that it was trained on. That an echo is brighter, and a shadow
darker, than the floor around it does not depend on what was trained on. A logistic regression on both finds more
objects of unknown classes at the same number of false boxes (``benchmarks/open_world.py``).
"""

from collections.abc import Sequence

import numpy as np

# What the regression uses of a box: the log-odds of its objectness; mean, 90th and negative 10th percentile of its
# echoes relative to the ring around it, in standard deviations of the ring; the logarithm of its area in pixels; the
# fan's share of the ring and of the box; and the standard deviation of its echoes relative to that of the ring.
FEATURES = ("objectness", "mean", "bright", "dark", "log_area", "ring_in_fan", "box_in_fan", "deviation")
# Boxes of less objectness get the probability 0. Without this bound a strong contrast would do, and bright clutter of
# other places than those that the regression was fitted on would be reported.
MIN_OBJECTNESS = 0.2
# The ring is this share of the box's sides wide, and at least this many pixels.
RING_WIDTH, MIN_RING_WIDTH = 0.4, 6.0
# Statistics of fewer echoes than these are not used.
MIN_RING_ECHOES, MIN_BOX_ECHOES = 10, 4
# Added to the ring's standard deviation: a flat ring makes no contrast infinite.
DEVIATION_FLOOR = 0.1


def object_probability(
    image: np.ndarray, xyxy: np.ndarray, objectness: np.ndarray, weights: Sequence[float]
) -> np.ndarray:
    """Return the probability that each box shows an object of any class.

    Args:
        image: ``(rows, cols)`` float32, as `sonar_debris.frames.pixels.normalise` returns it.
        xyxy: ``(N, 4)`` boxes in pixels of the image.
        objectness: ``(N,)`` in [0, 1], as the network predicts it.
        weights: the intercept, and a weight for each of `FEATURES`.

    Returns:
        ``(N,)`` float32 in [0, 1]; 0 for boxes below `MIN_OBJECTNESS`.
    """
    probability = np.zeros(len(xyxy), np.float32)
    is_possible = objectness >= MIN_OBJECTNESS
    features = contrast_features(image, xyxy[is_possible], objectness[is_possible])
    log_odds = weights[0] + features @ np.asarray(weights[1:])
    probability[is_possible] = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return probability


def contrast_features(image: np.ndarray, xyxy: np.ndarray, objectness: np.ndarray) -> np.ndarray:
    """Return the features of boxes.

    Args:
        image: ``(rows, cols)`` float32, normalised; 0 outside the fan.
        xyxy: ``(N, 4)`` boxes in pixels of the image.
        objectness: ``(N,)`` in [0, 1].

    Returns:
        ``(N, 8)`` float64, the columns `FEATURES`.
    """
    fan = image != 0
    rows = [
        [np.log((score + 1e-6) / (1 - score + 1e-6)), *_echo_features(image, fan, box)]
        for box, score in zip(xyxy.astype(float), objectness.astype(float), strict=True)
    ]
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def _echo_features(image: np.ndarray, fan: np.ndarray, box: np.ndarray) -> list[float]:
    """Return the features of a box but the first."""
    sides = np.maximum(box[2:] - box[:2], 1.0)
    margin = np.maximum(MIN_RING_WIDTH, RING_WIDTH * sides)
    (left, top, right, bottom), (outer_left, outer_top, outer_right, outer_bottom) = (
        _pixels(corners, image.shape) for corners in (box, box + np.concatenate([-margin, margin]))
    )
    in_box = fan[top:bottom, left:right]
    in_ring = fan[outer_top:outer_bottom, outer_left:outer_right].copy()
    in_ring[top - outer_top : bottom - outer_top, left - outer_left : right - outer_left] = False
    echoes, around = (
        image[top:bottom, left:right][in_box],
        image[outer_top:outer_bottom, outer_left:outer_right][in_ring],
    )
    mean, deviation = (around.mean(), around.std()) if around.size > MIN_RING_ECHOES else (0.0, 1.0)
    if echoes.size <= MIN_BOX_ECHOES:
        echoes = np.full(1, mean)
    deviation += DEVIATION_FLOOR
    tenth = echoes.size // 10
    ranks = (tenth, echoes.size - 1 - tenth)
    dark, bright = np.partition(echoes, ranks)[list(ranks)]  # faster than np.percentile, which interpolates
    contrasts = (np.array([echoes.mean(), bright, 2 * mean - dark]) - mean) / deviation
    ring_share = in_ring.sum() / max(1, in_ring.size - in_box.size)
    return [*contrasts, np.log(sides.prod()), ring_share, in_box.mean(), echoes.std() / deviation]


def _pixels(box: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a box that holds at least one pixel of the image."""
    rows, cols = shape
    left, top = np.clip(box[:2], 0, (cols - 1, rows - 1)).astype(int).tolist()
    right, bottom = np.clip(box[2:], (left + 1, top + 1), (cols, rows)).astype(int).tolist()
    return left, top, right, bottom
