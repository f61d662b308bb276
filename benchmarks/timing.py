"""Time several functions alternately, so that a change of the machine's load affects all of them."""

import time
from collections.abc import Callable, Mapping

import numpy as np


def time_alternating(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median time of each function.

    Args:
        functions: the functions by name. Each round calls every function once.
        rounds: number of rounds, after one that warms up.

    Returns:
        The median of each function in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for round_number in range(1 + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if round_number:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}
