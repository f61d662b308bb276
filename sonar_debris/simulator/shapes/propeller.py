"""A propeller: a bright hub and shaft between the faint rims of three blades."""

import numpy as np

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def propeller(rng, centre) -> Reflector:
    """Draw a propeller of about 70 × 75 pixels."""
    canvas = Canvas(centre, rng.uniform(0.95, 1.25))
    first = rng.uniform(75, 105)
    for angle in np.radians([first, first + 120, first + 240]):
        _blade(rng, canvas, 21 * np.cos(angle), 21 * np.sin(angle))
    smear = rng.choice([-22, 22], p=[0.75, 0.25]), -26
    canvas.fill(arc(rng.uniform(18, 30), rng.uniform(8, 13), centre=smear), rng.uniform(40, 54))
    for y in np.arange(-34, 4, 4):
        canvas.fill(arc(rng.uniform(3, 8), 4, centre=(rng.normal(0, 1.5), y)), rng.uniform(34, 48))
    canvas.fill(arc(11, 10, centre=(0, 3)), rng.uniform(54, 62))
    return echo_reflector(canvas, shadow=rng.uniform(10, 50))


def _blade(rng, canvas: Canvas, x: float, y: float) -> None:
    rim = arc(rng.uniform(25, 33), rng.uniform(25, 33), centre=(x, y))
    towards_sonar = (rim[1:, 1] - y) / 15
    canvas.fill(rim, rng.uniform(16, 23))
    canvas.line(rim, 33 + rng.uniform(4, 10) * towards_sonar, 2)
    canvas.block(rim)
