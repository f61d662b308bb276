"""A chain: a winding row of bright links, sometimes in two strands."""

import numpy as np

from sonar_debris.simulator.noise import smooth_noise
from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def chain(rng, centre) -> Reflector:
    """Draw a chain of 60 to 250 pixels from end to end."""
    canvas = Canvas(centre, turn=rng.uniform(0, 360))
    length = rng.uniform(60, 250)
    _strand(rng, canvas, length, offset=0.0)
    if length > 100 and rng.random() < 0.6:
        _strand(rng, canvas, length * rng.uniform(0.5, 0.9), offset=rng.uniform(15, 35))
    return echo_reflector(canvas, shadow=rng.uniform(4, 25))


def _strand(rng, canvas: Canvas, length: float, offset: float) -> None:
    links = round(length / 3)
    along = np.linspace(-length / 2, length / 2, links) + rng.normal(0, 2, links)
    across = offset + length * 0.13 * smooth_noise(rng, (2, links), 1, links / 3)[0] + rng.normal(0, 2, links)
    for x, y in zip(along, across, strict=True):
        link = arc(rng.uniform(8, 16), rng.uniform(4, 9), centre=(x, y))
        canvas.fill(link, rng.uniform(24, 56))
        canvas.block(link)
