"""A lying bottle: two or three parallel glints along its side."""

from sonar_debris.simulator.shapes.canvas import Canvas, box
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def bottle(rng, centre) -> Reflector:
    """Draw a bottle of about 60 × 22 pixels, turned by up to 48° either way."""
    length, depth = rng.uniform(50, 64), rng.uniform(15, 24)
    turn = rng.choice([-1, 1]) * rng.uniform(12, 48)
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), turn)
    near, far = depth / 2, -depth / 2
    canvas.fill(box(length, depth), rng.uniform(17, 28))
    if rng.random() < 0.5:
        canvas.line([(-length / 2, far), (-length / 2, near), (length / 2, near)], 36, 1)
    shift = rng.uniform(0, length / 6)
    canvas.line([(-length / 2 + shift, far), (length / 2, far)], rng.uniform(42, 54), 2)
    canvas.line([(-length / 3, 0), (length / 3, 0)], rng.uniform(30, 42), 2)
    canvas.line([(-length / 2, near), (length / 2 - shift, near)], rng.uniform(52, 64), rng.uniform(2, 4.4))
    canvas.block(box(length, depth))
    return echo_reflector(canvas, shadow=rng.uniform(0, 40))
