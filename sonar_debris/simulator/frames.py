"""Simulated frames with their ground truth."""

from collections.abc import Iterator

import numpy as np

from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import random_scene


def simulate_frames(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Simulate frames of an ARIS-like sonar, each of another random scene.

    Frame ``i`` depends on ``seed`` and ``i`` alone, so a longer run begins with the same frames.

    Args:
        count: number of frames.
        seed: non-negative integer.

    Yields:
        image: ``(480, 320)`` uint8, range grows upwards, 0 outside the fan.
        xyxy: ``(N, 4)`` float32 boxes in pixels, left, top, right, bottom, 1 to 4 of them.
        class_id: ``(N,)`` int64 indices into ``sonar_debris.datasets.watertank.CLASS_NAMES``.

    Example:
        >>> image, xyxy, class_id = next(simulate_frames(1, seed=0))
        >>> image.shape, xyxy.shape[1], len(xyxy) == len(class_id)
        ((480, 320), 4, True)
    """
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        scene = random_scene(rng)
        yield render(scene, rng), scene.xyxy, scene.class_id
