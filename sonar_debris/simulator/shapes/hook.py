"""A hook: a bent, lumpy bar."""

import numpy as np

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def hook(rng, centre) -> Reflector:
    """Draw a hook of about 45 × 60 pixels, seen from its side, or of 80 × 50 lying on its back."""
    bar = _upright(rng) if rng.random() < 0.65 else _lying(rng)
    canvas = Canvas(centre, rng.uniform(0.85, 1.15))
    for x, y in bar:
        lump = arc(rng.uniform(10, 20), rng.uniform(4, 8), centre=(x, y))
        canvas.fill(lump, rng.uniform(28, 57))
        canvas.block(lump)
    return echo_reflector(canvas, shadow=rng.uniform(5, 45))


def _upright(rng) -> np.ndarray:
    corners = np.array([(-15, -27), (-3, -9), (15, 12), (3, 22), (-10, 26)])
    return _along(corners * (rng.choice([-1, 1], p=[0.25, 0.75]), 1) + rng.normal(0, 2, corners.shape))


def _lying(rng) -> np.ndarray:
    corners = np.array([(-36, 4), (-32, -18), (-22, -2), (-8, 14), (10, 10), (24, -6), (34, 6), (30, 18)])
    return _along(corners * (rng.choice([-1, 1]), 1) + rng.normal(0, 2.5, corners.shape))


def _along(corners: np.ndarray) -> np.ndarray:
    place = np.linspace(0, len(corners) - 1, 5 * len(corners))
    return np.stack([np.interp(place, range(len(corners)), axis) for axis in corners.T], axis=1)
