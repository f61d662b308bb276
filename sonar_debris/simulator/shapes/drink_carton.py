"""A drink carton: a small bright block, sometimes with its dim body behind."""

from sonar_debris.simulator.shapes.canvas import Canvas, arc, box
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def drink_carton(rng, centre) -> Reflector:
    """Draw a carton of about 22 × 22 pixels, turned by up to 35° either way."""
    width, depth = rng.uniform(17, 24), rng.uniform(15, 24)
    canvas = Canvas(centre, rng.uniform(0.9, 1.2), rng.uniform(-35, 35))
    if rng.random() < 0.35:
        back = (0, -depth)
        canvas.fill(box(width, depth * 1.2, back), rng.uniform(20, 32))
        canvas.line([(-width / 2, -1.6 * depth), (-width / 2, 0)], rng.uniform(34, 44), 2)
    canvas.fill(arc(1.15 * width, 1.25 * depth), rng.uniform(42, 52))
    canvas.line([(-width / 2, -depth / 4), (width / 2, -depth / 4)], rng.uniform(50, 64), rng.uniform(2, 5))
    canvas.block(box(width, depth))
    return echo_reflector(canvas, rng.uniform(15, 70), rng.uniform(0, 26))
