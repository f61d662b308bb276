"""How each class of object reflects sound: the echo and the body of all eleven shapes.

Sizes are in pixels of the frame, before a random scaling by up to 25 %. Angles are either way.
"""

from collections.abc import Callable

import numpy as np

from sonar_debris.simulator.background import smooth_noise
from sonar_debris.simulator.fan import COLS, ROWS, Fan
from sonar_debris.simulator.reflectors import Canvas, Reflector, arc, box, echo_reflector, silhouette_reflector

Centre = tuple[float, float]
# Draws a shape around its centre (column, row) in the frame.
Shape = Callable[[np.random.Generator, Centre], Reflector]


def _bottle(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a lying bottle: two or three parallel glints, about 60 × 22, rotated by up to 48°."""
    length, depth = rng.uniform(50, 64), rng.uniform(15, 24)
    angle = rng.choice([-1, 1]) * rng.uniform(12, 48)
    canvas = Canvas(centre, rng.uniform(0.85, 1.15), angle)
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


def _can(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a can: a bright near side, a thin far rim and ringing, about 33 × 28, rotated by up to 40°."""
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


def _chain(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a chain: a winding row of bright links, sometimes in two strands, 60 to 250 from end to end."""
    canvas = Canvas(centre, angle=rng.uniform(0, 360))
    length = rng.uniform(60, 250)
    _draw_strand(rng, canvas, length, offset=0.0)
    if length > 100 and rng.random() < 0.6:
        _draw_strand(rng, canvas, length * rng.uniform(0.5, 0.9), offset=rng.uniform(15, 35))
    return echo_reflector(canvas, shadow=rng.uniform(4, 25))


def _draw_strand(rng: np.random.Generator, canvas: Canvas, length: float, offset: float) -> None:
    links = round(length / 3)
    along = np.linspace(-length / 2, length / 2, links) + rng.normal(0, 2, links)
    across = offset + length * 0.13 * smooth_noise(rng, (2, links), 1, links / 3)[0] + rng.normal(0, 2, links)
    for x, y in zip(along, across, strict=True):
        link = arc(rng.uniform(8, 16), rng.uniform(4, 9), centre=(x, y))
        canvas.fill(link, rng.uniform(24, 56))
        canvas.block(link)


def _drink_carton(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a drink carton: a bright block, sometimes with a dim body, about 22 × 22, rotated by up to 35°."""
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


def _hook(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a hook: a bent, lumpy bar, about 45 × 60 seen from its side, or 80 × 50 lying on its back."""
    points = _upright_hook(rng) if rng.random() < 0.65 else _lying_hook(rng)
    canvas = Canvas(centre, rng.uniform(0.85, 1.15))
    for x, y in points:
        lump = arc(rng.uniform(10, 20), rng.uniform(4, 8), centre=(x, y))
        canvas.fill(lump, rng.uniform(28, 57))
        canvas.block(lump)
    return echo_reflector(canvas, shadow=rng.uniform(5, 45))


def _upright_hook(rng: np.random.Generator) -> np.ndarray:
    corners = np.array([(-15, -27), (-3, -9), (15, 12), (3, 22), (-10, 26)])
    return _resample(corners * (rng.choice([-1, 1], p=[0.25, 0.75]), 1) + rng.normal(0, 2, corners.shape))


def _lying_hook(rng: np.random.Generator) -> np.ndarray:
    corners = np.array([(-36, 4), (-32, -18), (-22, -2), (-8, 14), (10, 10), (24, -6), (34, 6), (30, 18)])
    return _resample(corners * (rng.choice([-1, 1]), 1) + rng.normal(0, 2.5, corners.shape))


def _resample(corners: np.ndarray) -> np.ndarray:
    """Return five points per corner along the polyline."""
    positions = np.linspace(0, len(corners) - 1, 5 * len(corners))
    return np.stack([np.interp(positions, range(len(corners)), axis) for axis in corners.T], axis=1)


def _propeller(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a propeller: a bright hub and shaft between the faint rims of three blades, about 70 × 75."""
    canvas = Canvas(centre, rng.uniform(0.95, 1.25))
    first = rng.uniform(75, 105)
    for angle in np.radians([first, first + 120, first + 240]):
        _draw_blade(rng, canvas, 21 * np.cos(angle), 21 * np.sin(angle))
    smear = float(rng.choice([-22, 22], p=[0.75, 0.25])), -26.0
    canvas.fill(arc(rng.uniform(18, 30), rng.uniform(8, 13), centre=smear), rng.uniform(40, 54))
    for y in range(-34, 4, 4):
        canvas.fill(arc(rng.uniform(3, 8), 4, centre=(rng.normal(0, 1.5), y)), rng.uniform(34, 48))
    canvas.fill(arc(11, 10, centre=(0, 3)), rng.uniform(54, 62))
    return echo_reflector(canvas, shadow=rng.uniform(10, 50))


def _draw_blade(rng: np.random.Generator, canvas: Canvas, x: float, y: float) -> None:
    rim = arc(rng.uniform(25, 33), rng.uniform(25, 33), centre=(x, y))
    towards_sonar = (rim[1:, 1] - y) / 15
    canvas.fill(rim, rng.uniform(16, 23))
    canvas.line(rim, 33 + rng.uniform(4, 10) * towards_sonar, 2)
    canvas.block(rim)


def _shampoo_bottle(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw the silhouette of a standing shampoo bottle with a glint at its foot, about 24 × 98, tilted by up to 15°."""
    width, height = rng.uniform(19, 27), rng.uniform(80, 125)
    canvas = Canvas(centre, angle=rng.uniform(-15, 15))
    half, top, foot = width / 2, -height / 2, height / 2
    side = [(half * 0.7, top), (half, top + 8), (half, foot - 0.35 * height), (half * 0.5, foot)]
    canvas.block(np.array(side + [(-x, y) for x, y in reversed(side)]))
    for y in np.arange(foot + 4, foot + rng.uniform(6, 26), 4):
        canvas.fill(arc(rng.uniform(6, 14), 4, centre=(rng.normal(0, 2), y)), rng.uniform(40, 52))
    return silhouette_reflector(canvas)


def _standing_bottle(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw the silhouette of a standing bottle crossed by the rings of its base, about 22 × 108, tilted by up to 6°."""
    width, height = rng.uniform(19, 24), rng.uniform(96, 120)
    canvas = Canvas(centre, angle=rng.uniform(-6, 6))
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


def _tire(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a lying tire: a bright crescent towards the sonar and a dim inner far rim, about 60 × 55."""
    width, height = rng.uniform(54, 66), rng.uniform(48, 60)
    canvas = Canvas(centre, rng.uniform(0.9, 1.15))
    rim = arc(width, height)
    canvas.fill(rim, rng.uniform(16, 22))
    _draw_rim(canvas, rim, bright=rng.uniform(50, 60), dim=rng.uniform(8, 30), width=rng.uniform(2.5, 6))
    inner = arc(0.55 * width, 0.5 * height, 185, 355, (0, -0.02 * height))
    if rng.random() < 0.5:
        canvas.line(inner, rng.uniform(40, 50), rng.uniform(5, 8))
        canvas.line(arc(width, height, 250, 290), rng.uniform(36, 48), 2)
    else:
        canvas.line(inner[8:-8], rng.uniform(28, 36), 5)
    canvas.block(rim)
    return echo_reflector(canvas, shadow=rng.uniform(0, 90))


def _draw_rim(canvas: Canvas, rim: np.ndarray, bright: float, dim: float, width: float) -> None:
    """Draw a rim whose level rises from ``dim`` to ``bright`` towards the sonar."""
    middle = (rim[1:, 1] + rim[:-1, 1]) / 2
    towards_sonar = np.clip(middle / rim[:, 1].max() + 0.25, 0, 1) ** 0.7
    canvas.line(rim, dim + (bright - dim) * towards_sonar, width)


def _valve(rng: np.random.Generator, centre: Centre) -> Reflector:
    """Draw a valve: thin spokes in an X with a bright hub, or edge-on one or two long glints, about 58 × 45."""
    draw = _open_valve if rng.random() < 0.75 else _edge_on_valve
    return draw(rng, centre)


def _open_valve(rng: np.random.Generator, centre: Centre) -> Reflector:
    canvas = Canvas(centre, rng.uniform(0.9, 1.15), rng.uniform(-15, 15))
    canvas.line([(-26, 0), (26, rng.uniform(0, 4))], rng.uniform(34, 42), 1)
    for x, y in ((-26, -21), (25, -18), (24, 20), (-23, 21)):
        canvas.line([(0, 1), (x, y)], rng.uniform(38, 54), rng.uniform(1, 2.4))
        canvas.line([(0.9 * x, 0.9 * y), (x, y)], rng.uniform(48, 60), 2)
    canvas.fill(arc(9, 18, centre=(1, -8)), rng.uniform(36, 48))
    canvas.fill(arc(8, 7), rng.uniform(54, 64))
    canvas.block(arc(10, 20, centre=(1, -8)))
    return echo_reflector(canvas, shadow=rng.uniform(0, 30))


def _edge_on_valve(rng: np.random.Generator, centre: Centre) -> Reflector:
    canvas = Canvas(centre, rng.uniform(0.9, 1.15), rng.uniform(-15, 15))
    canvas.fill(arc(58, 15, centre=(0, -3)), rng.uniform(28, 34))
    canvas.line([(-31, 4), (31, 4)], rng.uniform(50, 64), 2)
    canvas.line([(-25, -6), (25, -6)], rng.uniform(36, 46), 2)
    canvas.fill(arc(18, 12, centre=(rng.uniform(-5, 5), -2)), rng.uniform(46, 56))
    canvas.block(arc(58, 15))
    return echo_reflector(canvas, shadow=rng.uniform(0, 40))


def wall(rng: np.random.Generator, fan: Fan) -> Reflector:
    """Draw the tank's wall: a bright slanted band in a far corner, or across the far end.

    It hides everything behind its foot, the line where it meets the floor.

    Args:
        rng: random generator.
        fan: the sonar's fan, whose far corners determine the position.

    Returns:
        The reflector.
    """
    depth = _depth_behind_foot(rng, fan)
    body = depth > 0
    echo = np.where(body, _wall_echo(rng, depth), 0).astype(np.float32)
    return Reflector(echo, body.astype(np.uint8), 1.0, body, min_visible=0.0)


def _depth_behind_foot(rng: np.random.Generator, fan: Fan) -> np.ndarray:
    """Return the distance of each pixel behind the wall's foot, ``(480, 320)``, negative in front of it."""
    side = rng.choice([-1, 1])
    across = rng.random() < 0.2
    slope = np.radians(rng.uniform(5, 25) if across else rng.uniform(25, 70))
    normal = side * np.sin(slope), np.cos(slope)
    corner = fan.max_range * np.sin(np.radians(fan.half_angle))
    reach = rng.uniform(50, 110) if across else rng.uniform(18, 70)
    rows, cols = np.mgrid[:ROWS, :COLS] + 0.5
    to_corner = cols - COLS / 2 - side * corner, fan.apex - fan.max_range * np.cos(np.radians(fan.half_angle)) - rows
    return normal[0] * to_corner[0] + normal[1] * to_corner[1] + reach


def _wall_echo(rng: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    """Return the echo in dB. It rises at the foot, has one or two ridges that face the sonar, and fades behind them."""
    level, fade_in = rng.uniform(36, 48), rng.uniform(3, 24)
    echo = level - 12 * np.exp(-np.clip(depth, 0, None) / fade_in) - np.clip(depth - 60, 0, None) * 0.12
    for ridge in rng.uniform(8, 50, rng.integers(1, 3)):
        echo += rng.uniform(6, 15) * np.exp(-(((depth - ridge) / rng.uniform(3, 8)) ** 2))
    return echo


# Every class except the wall, which depends on the fan.
SHAPES: dict[str, Shape] = {
    "bottle": _bottle,
    "can": _can,
    "chain": _chain,
    "drink-carton": _drink_carton,
    "hook": _hook,
    "propeller": _propeller,
    "shampoo-bottle": _shampoo_bottle,
    "standing-bottle": _standing_bottle,
    "tire": _tire,
    "valve": _valve,
}
