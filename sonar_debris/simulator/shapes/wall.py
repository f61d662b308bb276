"""The tank's wall: a bright slanted band in a far corner, or across the whole far end."""

import numpy as np

from sonar_debris.simulator.fan import COLS, ROWS
from sonar_debris.simulator.shapes.reflector import Reflector


def wall(rng, fan) -> Reflector:
    """Draw a wall that hides everything behind its foot.

    Args:
        rng: source of randomness.
        fan: the fan, from whose far corners the wall's place is measured.
    """
    depth = _depth_behind_foot(rng, fan)
    body = depth > 0
    echo = np.where(body, _echo(rng, depth), 0).astype(np.float32)
    return Reflector(echo, body.astype(np.uint8), 1.0, body, least_visible=0.0)


def _depth_behind_foot(rng, fan) -> np.ndarray:
    """Distance in pixels behind the wall's foot line, ``(480, 320)``, negative before it."""
    side = rng.choice([-1, 1])
    across = rng.random() < 0.2
    slope = np.radians(rng.uniform(5, 25) if across else rng.uniform(25, 70))
    normal = side * np.sin(slope), np.cos(slope)
    corner = fan.max_range * np.sin(np.radians(fan.half_angle))
    reach = rng.uniform(50, 110) if across else rng.uniform(18, 70)
    rows, cols = np.mgrid[:ROWS, :COLS] + 0.5
    to_corner = cols - COLS / 2 - side * corner, fan.apex - fan.max_range * np.cos(np.radians(fan.half_angle)) - rows
    return normal[0] * to_corner[0] + normal[1] * to_corner[1] + reach


def _echo(rng, depth: np.ndarray) -> np.ndarray:
    """Echo in dB: it fades in at the foot, ridges where the wall faces the sonar, and fades away behind."""
    level, fade_in = rng.uniform(36, 48), rng.uniform(3, 24)
    echo = level - 12 * np.exp(-np.clip(depth, 0, None) / fade_in) - np.clip(depth - 60, 0, None) * 0.12
    for place in rng.uniform(8, 50, rng.integers(1, 3)):
        echo += rng.uniform(6, 15) * np.exp(-(((depth - place) / rng.uniform(3, 8)) ** 2))
    return echo
