"""A standing shampoo bottle: a dark silhouette before the lit seabed, with a small glint at its foot."""

import numpy as np

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, silhouette_reflector


def shampoo_bottle(rng, centre) -> Reflector:
    """Draw the silhouette of a bottle of about 24 × 98 pixels, leaning by up to 15° either way."""
    width, height = rng.uniform(19, 27), rng.uniform(80, 125)
    canvas = Canvas(centre, turn=rng.uniform(-15, 15))
    half, top, foot = width / 2, -height / 2, height / 2
    side = [(half * 0.7, top), (half, top + 8), (half, foot - 0.35 * height), (half * 0.5, foot)]
    canvas.block(np.array(side + [(-x, y) for x, y in reversed(side)]))
    for y in np.arange(foot + 4, foot + rng.uniform(6, 26), 4):
        canvas.fill(arc(rng.uniform(6, 14), 4, centre=(rng.normal(0, 2), y)), rng.uniform(40, 52))
    return silhouette_reflector(canvas)
