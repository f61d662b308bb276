"""Render scenes to sonar frames, and simulate frames with ground truth."""

from collections.abc import Iterator

import cv2
import numpy as np

from sonar_debris.simulator.background import clutter, sea_floor, smooth_noise, speckle
from sonar_debris.simulator.fan import BEAMS, SAMPLES, Fan, to_frame, to_polar
from sonar_debris.simulator.reflectors import Reflector
from sonar_debris.simulator.scene import Scene, random_scene

_GREY_LEVELS_PER_DB = 255 / 80  # an ARIS stores 80 dB in 8 bits
# Power in neighbouring beams and range samples, relative to that of the central one.
_BEAM_PATTERN = np.array([0.001, 0.003, 0.01, 0.1, 1, 0.1, 0.01, 0.003, 0.001], np.float32)
_PULSE = np.array([0.003, 0.08, 1, 0.08, 0.003], np.float32)


def render(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Render the echoes of a scene.

    The powers of sea floor, objects, clutter and receiver noise are added on the grid of range samples and beams and
    multiplied by speckle. The levels in dB are scan-converted to the fan.

    Args:
        scene: the scene.
        rng: random generator.

    Returns:
        ``(480, 320)`` uint8, 0 outside the fan; 0 to 255 spans 80 dB.
    """
    floor = sea_floor(rng, insonified=scene.has_silhouette)
    echoes = _power(clutter(rng))
    shadow_loss = rng.uniform(10, 18)
    for reflector in scene.reflectors:
        floor = floor - shadow_loss * _shadow(scene.fan, reflector)
        echoes += _power(_ringing(scene.fan, reflector)) + _power(_object_level(scene.fan, reflector, rng))
    power = _power(_receiver_noise(rng)) + _power(floor) + cv2.sepFilter2D(echoes, -1, _BEAM_PATTERN, _PULSE)
    level = 10 * np.log10(power * speckle(rng, power.shape))
    image = np.clip(np.round(level * _GREY_LEVELS_PER_DB), 1, 255).astype(np.uint8)
    return to_frame(scene.fan, image)


def simulate_frames(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Simulate frames of an ARIS-like sonar, each of a different random scene.

    Frame ``i`` depends only on ``seed`` and ``i``, so a longer run begins with the same frames.

    Args:
        count: number of frames.
        seed: seed, 0 or more.

    Yields:
        image: ``(480, 320)`` uint8, range grows upwards, 0 outside the fan.
        xyxy: ``(N, 4)`` float32 labelled boxes in pixels: left, top, right, bottom; N is 1 to 4.
        class_id: ``(N,)`` int64 indices into ``sonar_debris.datasets.release.CLASS_NAMES``.

    Example:
        >>> image, xyxy, class_id = next(simulate_frames(1, seed=0))
        >>> image.shape, xyxy.shape[1], len(xyxy) == len(class_id)
        ((480, 320), 4, True)
    """
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        scene = random_scene(rng)
        yield render(scene, rng), scene.xyxy, scene.class_id


def _power(level: np.ndarray) -> np.ndarray:
    """Return the power of a level in dB. Levels of 0 dB and less, far below the receiver's noise, have no power."""
    return np.where(level > 0, 10 ** (level / 10), 0).astype(np.float32)


def _receiver_noise(rng: np.random.Generator) -> np.ndarray:
    """Return a level in dB, with thin bands of equal range that are strongest near the sonar."""
    fade = np.linspace(1, 0.2, SAMPLES, dtype=np.float32)[:, None]
    return rng.uniform(10, 14) + rng.uniform(0.3, 1.8) * fade * smooth_noise(rng, (SAMPLES, BEAMS), 1.5, 24)


def _object_level(fan: Fan, reflector: Reflector, rng: np.random.Generator) -> np.ndarray:
    """Return the object's level in dB, with random strength and uneven scattering."""
    level = to_polar(fan, reflector.echo)
    uneven = rng.uniform(1, 10) + 4 * smooth_noise(rng, level.shape, 1.5, 2) + 3 * smooth_noise(rng, level.shape, 6, 5)
    return level + uneven * np.clip(level / 40, 0, 1)


def _shadow(fan: Fan, reflector: Reflector) -> np.ndarray:
    """Return how much of the sea floor is in shadow, 0 to 1."""
    return cv2.GaussianBlur(_occluded(fan, reflector, reflector.shadow), (3, 3), 0.8)


def _occluded(fan: Fan, reflector: Reflector, length: float) -> np.ndarray:
    """Return 1 in the body and up to ``length`` pixels of range behind it, else 0."""
    body = to_polar(fan, reflector.body.astype(np.float32))
    samples = max(1, round(length / fan.sample_spacing))
    return cv2.dilate(body, np.ones((samples, 1), np.uint8), anchor=(0, samples - 1))


def _ringing(fan: Fan, reflector: Reflector) -> np.ndarray:
    """Return the level in dB along both edges of a hollow body's shadow."""
    occluded = _occluded(fan, reflector, 1.6 * reflector.shadow)
    edges = occluded - cv2.erode(occluded, np.ones((1, 5), np.uint8))
    return edges * reflector.ringing
