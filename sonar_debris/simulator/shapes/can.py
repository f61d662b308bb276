"""A can: its near side is a bright band, its far rim a thin line, its hollow rings."""

from sonar_debris.simulator.shapes.canvas import Canvas, arc, box
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def can(rng, centre) -> Reflector:
    """Draw a can of about 33 × 28 pixels, turned by up to 40° either way."""
    width, depth = rng.uniform(28, 36), rng.uniform(22, 32)
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), rng.uniform(-40, 40))
    side = rng.choice([-1, 1]) * width / 2
    canvas.fill(box(width, depth), rng.uniform(20, 28))
    canvas.line([(-width / 2, -depth / 2), (width / 2, -depth / 2)], rng.uniform(38, 52), rng.uniform(1, 4))
    canvas.line([(side, -depth / 2), (side, depth / 2)], rng.uniform(34, 50), 2)
    band = rng.uniform(5, 10)
    canvas.fill(box(width, band, (0, (depth - band) / 2)), rng.uniform(44, 54))
    canvas.line([(-width / 2, depth / 2), (width / 2, depth / 2)], rng.uniform(50, 60), 2)
    for corner in ((-side, -depth / 3), (side, -depth / 2)):
        canvas.fill(arc(6, 5, centre=corner), rng.uniform(45, 62))
    canvas.block(box(width, depth))
    return echo_reflector(canvas, rng.uniform(30, 140), rng.uniform(20, 30))
