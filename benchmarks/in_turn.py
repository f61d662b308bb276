"""Ways of doing one thing, timed side by side."""

import time
from collections.abc import Callable

import numpy as np


def medians_in_turn(ways: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Median seconds of each way over ``turns`` turns, in which one follows the other, after one that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(1 + turns):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(each)) for name, each in seconds.items()}
