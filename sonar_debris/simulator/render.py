"""From a scene to the frame that the sonar shows.

MERGED:
Simulated frames with their ground truth.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from sonar_debris.simulator.background import clutter, seabed, smooth_noise, speckle
from sonar_debris.simulator.fan import BEAMS, SAMPLES, Fan, to_frame, to_polar
from sonar_debris.simulator.scene import Scene, random_scene
from sonar_debris.simulator.shapes import Reflector

_LEVELS_PER_DB = 255 / 80  # an ARIS stores 80 dB in 8 bits
_BEAM_PATTERN = np.array([0.001, 0.003, 0.01, 0.1, 1, 0.1, 0.01, 0.003, 0.001], np.float32)
_PULSE = np.array([0.003, 0.08, 1, 0.08, 0.003], np.float32)


def render(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Render the echoes of a scene.

    Powers of seabed, objects, clutter and receiver noise add up on the grid of range samples and beams, speckle
    multiplies them, and the levels in dB are scan-converted to the fan.

    Returns:
        ``(480, 320)`` uint8, 0 outside the fan, 80 dB over the range of grey levels.
    """
    ground = seabed(rng, scene.has_silhouette)
    glints = _power(clutter(rng))
    shadow_loss = rng.uniform(10, 18)
    for reflector in scene.reflectors:
        ground = ground - shadow_loss * _shadow(scene.fan, reflector)
        glints += _power(_ringing(scene.fan, reflector)) + _power(_echo(scene.fan, reflector, rng))
    power = _power(_receiver_noise(rng)) + _power(ground) + cv2.sepFilter2D(glints, -1, _BEAM_PATTERN, _PULSE)
    level = 10 * np.log10(power * speckle(rng, power.shape))
    image = np.clip(np.round(level * _LEVELS_PER_DB), 1, 255).astype(np.uint8)
    return to_frame(scene.fan, image)


def _power(level: np.ndarray) -> np.ndarray:
    """Power of a level in dB; 0 dB, far below the receiver's noise, stands for nothing."""
    return np.where(level > 0, 10 ** (level / 10), 0).astype(np.float32)


def _receiver_noise(rng) -> np.ndarray:
    """Level in dB, with thin bands of equal range that are strongest near the sonar."""
    fade = np.linspace(1, 0.2, SAMPLES, dtype=np.float32)[:, None]
    return rng.uniform(10, 14) + rng.uniform(0.3, 1.8) * fade * smooth_noise(rng, (SAMPLES, BEAMS), 1.5, 24)


def _echo(fan: Fan, reflector: Reflector, rng) -> np.ndarray:
    """The object's level in dB; objects differ in strength and scatter unevenly."""
    echo = to_polar(fan, reflector.echo)
    uneven = rng.uniform(1, 10) + 4 * smooth_noise(rng, echo.shape, 1.5, 2) + 3 * smooth_noise(rng, echo.shape, 6, 5)
    return echo + uneven * np.clip(echo / 40, 0, 1)


def _shadow(fan: Fan, reflector: Reflector) -> np.ndarray:
    """How far the seabed lies in the shadow, 0 to 1."""
    return cv2.GaussianBlur(_hidden(fan, reflector, reflector.shadow), (3, 3), 0.8)


def _hidden(fan: Fan, reflector: Reflector, length: float) -> np.ndarray:
    """1 where the body, or the body within ``length`` pixels before, stops the sound."""
    body = to_polar(fan, reflector.body.astype(np.float32))
    reach = max(1, round(length / fan.sample_spacing))
    return cv2.dilate(body, np.ones((reach, 1), np.uint8), anchor=(0, reach - 1))


def _ringing(fan: Fan, reflector: Reflector) -> np.ndarray:
    """Level in dB along the two edges of the shadow of a hollow body."""
    hidden = _hidden(fan, reflector, 1.6 * reflector.shadow)
    edge = hidden - cv2.erode(hidden, np.ones((1, 5), np.uint8))
    return edge * reflector.ringing


def simulate_frames(count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Simulate frames of an ARIS-like sonar, each of another random scene.

    Frame ``i`` depends on ``seed`` and ``i`` alone, so a longer run begins with the same frames.

    Args:
        count: number of frames.
        seed: non-negative integer.

    Yields:
        image: ``(480, 320)`` uint8, range grows upwards, 0 outside the fan.
        xyxy: ``(N, 4)`` float32 boxes in pixels, left, top, right, bottom, 1 to 4 of them.
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
