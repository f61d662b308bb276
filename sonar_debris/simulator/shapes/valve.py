"""A valve: thin spokes in an X with a bright hub, or seen edge-on as one or two long glints."""

from sonar_debris.simulator.shapes.canvas import Canvas, arc
from sonar_debris.simulator.shapes.reflector import Reflector, echo_reflector


def valve(rng, centre) -> Reflector:
    """Draw a valve of about 58 × 45 pixels."""
    draw = _facing if rng.random() < 0.75 else _edge_on
    return draw(rng, centre)


def _facing(rng, centre) -> Reflector:
    canvas = Canvas(centre, rng.uniform(0.9, 1.15), rng.uniform(-15, 15))
    canvas.line([(-26, 0), (26, rng.uniform(0, 4))], rng.uniform(34, 42), 1)
    for x, y in ((-26, -21), (25, -18), (24, 20), (-23, 21)):
        canvas.line([(0, 1), (x, y)], rng.uniform(38, 54), rng.uniform(1, 2.4))
        canvas.line([(0.9 * x, 0.9 * y), (x, y)], rng.uniform(48, 60), 2)
    canvas.fill(arc(9, 18, centre=(1, -8)), rng.uniform(36, 48))
    canvas.fill(arc(8, 7), rng.uniform(54, 64))
    canvas.block(arc(10, 20, centre=(1, -8)))
    return echo_reflector(canvas, shadow=rng.uniform(0, 30))


def _edge_on(rng, centre) -> Reflector:
    canvas = Canvas(centre, rng.uniform(0.9, 1.15), rng.uniform(-15, 15))
    canvas.fill(arc(58, 15, centre=(0, -3)), rng.uniform(28, 34))
    canvas.line([(-31, 4), (31, 4)], rng.uniform(50, 64), 2)
    canvas.line([(-25, -6), (25, -6)], rng.uniform(36, 46), 2)
    canvas.fill(arc(18, 12, centre=(rng.uniform(-5, 5), -2)), rng.uniform(46, 56))
    canvas.block(arc(58, 15))
    return echo_reflector(canvas, shadow=rng.uniform(0, 40))
