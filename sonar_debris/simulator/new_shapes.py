"""Shapes of classes that no shipped model was trained on, to measure how a survey treats what its model does not know.

They are never part of simulated training frames. Sizes are in pixels of the frame, before a random scaling by up to
15 %.
"""

import numpy as np

from sonar_debris.simulator.background import smooth_noise
from sonar_debris.simulator.reflectors import Canvas, Reflector, arc, box, echo_reflector
from sonar_debris.simulator.shapes import Centre, Shape


def _anchor(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a lying anchor: a long shank, a crossbar at its head and two curved flukes at its foot, about 70 × 90."""
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), rng.uniform(0, 360))
    level = rng.uniform(44, 54)
    canvas.line([(0, -45), (0, 40)], level, 5)
    canvas.line([(-16, -34), (16, -34)], level - 4, 4)
    canvas.line(arc(70, 60, 20, 160, (0, 12)), level, 5)
    for x in (-33, 33):
        canvas.fill(arc(14, 10, centre=(x, 22)), rng.uniform(50, 60))
    canvas.block(box(6, 90))
    return echo_reflector(canvas, shadow=rng.uniform(4, 20))


def _bicycle(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a lying bicycle: two thin rims joined by a frame of bars, about 110 × 50."""
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), rng.uniform(-60, 60))
    for x in (-36, 36):
        canvas.line(arc(44, 44, centre=(x, 5)), rng.uniform(38, 48), 2)
        canvas.fill(arc(6, 6, centre=(x, 5)), rng.uniform(48, 56))
    bars = [(-36, 5), (-14, -18), (22, -18), (0, 8), (-36, 5), (0, 8), (-14, -18)]
    canvas.line(bars, rng.uniform(44, 54), 3)
    canvas.line([(36, 5), (22, -18), (18, -28)], rng.uniform(44, 54), 3)
    canvas.block(box(40, 20, (0, -6)))
    return echo_reflector(canvas, shadow=rng.uniform(4, 15))


def _ladder(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a lying ladder: two rails and bright rungs, about 130 × 32."""
    length, width, rungs = rng.uniform(110, 150), rng.uniform(26, 36), int(rng.integers(6, 10))
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), rng.uniform(-70, 70))
    for y in (-width / 2, width / 2):
        canvas.line([(-length / 2, y), (length / 2, y)], rng.uniform(42, 52), 3)
        canvas.block(box(length, 3, (0, y)))
    for x in np.linspace(-length / 2 + 6, length / 2 - 6, rungs):
        canvas.line([(x, -width / 2), (x, width / 2)], rng.uniform(46, 56), 3)
    return echo_reflector(canvas, shadow=rng.uniform(4, 12))


def _net(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a piece of a fishing net: a ragged mesh of thin twine with bright knots, about 90 × 70."""
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), rng.uniform(0, 360))
    rows, cols = 6, 8
    y, x = np.mgrid[:rows, :cols].astype(float)
    x = (x - (cols - 1) / 2) * 12 + 4 * smooth_noise(rng, (rows, cols), 1, 1)
    y = (y - (rows - 1) / 2) * 12 + 4 * smooth_noise(rng, (rows, cols), 1, 1)
    for strand in (*np.stack([x, y], axis=-1), *np.stack([x.T, y.T], axis=-1)):
        canvas.line(strand, rng.uniform(30, 42), 1)
    for knot in np.stack([x.ravel(), y.ravel()], axis=-1):
        canvas.fill(arc(4, 4, centre=(knot[0], knot[1])), rng.uniform(36, 50))
    canvas.block(box(10, 10))
    return echo_reflector(canvas, shadow=rng.uniform(2, 8))


NEW_SHAPES: dict[str, Shape] = {"anchor": _anchor, "bicycle": _bicycle, "ladder": _ladder, "net": _net}
