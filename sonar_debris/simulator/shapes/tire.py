"""A lying tire: a bright crescent towards the sonar, and its dim inner far rim."""

import numpy as np

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def tire(rng, centre) -> Reflector:
    """Draw a tire of about 60 × 55 pixels; half of them show the tread and the inner rim."""
    width, height = rng.uniform(54, 66), rng.uniform(48, 60)
    canvas = Canvas(centre, rng.uniform(0.9, 1.15))
    rim = arc(width, height)
    canvas.fill(rim, rng.uniform(16, 22))
    _rim(canvas, rim, bright=rng.uniform(50, 60), dim=rng.uniform(8, 30), width=rng.uniform(2.5, 6))
    inner = arc(0.55 * width, 0.5 * height, 185, 355, (0, -0.02 * height))
    if rng.random() < 0.5:
        canvas.line(inner, rng.uniform(40, 50), rng.uniform(5, 8))
        canvas.line(arc(width, height, 250, 290), rng.uniform(36, 48), 2)
    else:
        canvas.line(inner[8:-8], rng.uniform(28, 36), 5)
    canvas.block(rim)
    return echo_reflector(canvas, shadow=rng.uniform(0, 90))


def _rim(canvas: Canvas, rim: np.ndarray, bright: float, dim: float, width: float) -> None:
    middle = (rim[1:, 1] + rim[:-1, 1]) / 2
    towards_sonar = np.clip(middle / rim[:, 1].max() + 0.25, 0, 1) ** 0.7
    canvas.line(rim, dim + (bright - dim) * towards_sonar, width)
