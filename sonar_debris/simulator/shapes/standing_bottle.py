"""A standing bottle: a dark silhouette with its neck up, crossed by the rings of its base."""

import numpy as np

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, silhouette_reflector


def standing_bottle(rng, centre) -> Reflector:
    """Draw the silhouette of a bottle of about 22 × 108 pixels, leaning by up to 6° either way."""
    width, height = rng.uniform(19, 24), rng.uniform(96, 120)
    canvas = Canvas(centre, turn=rng.uniform(-6, 6))
    half, neck, top, foot = width / 2, width / 4, -height / 2, height / 2
    side = [(neck, top), (neck, top + 0.2 * height), (half, top + 0.4 * height), (half, foot)]
    canvas.block(np.array(side + [(-x, y) for x, y in reversed(side)]))
    if rng.random() < 0.6:
        canvas.fill(arc(width * 0.9, rng.uniform(10, 22), centre=(0, foot - 6)), rng.uniform(40, 52))
    spacing, fade = rng.uniform(6, 10), rng.uniform(3, 5)
    for ring in range(round(0.55 * height / spacing)):
        y = foot - 3 - spacing * ring
        canvas.line(arc(width * 0.75, 5, 0, 180, (0, y)), 56 - fade * ring + rng.uniform(-4, 4), rng.uniform(1, 3))
    return silhouette_reflector(canvas)
