"""Simulated frames as the beams and samples that an ARIS 3000 would have recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from sonar_debris.frames.aris_format import beam_bearings
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.frames.scan_conversion import enclosing_fan, to_echoes
from sonar_debris.simulator.fan import BEAMS, COLS, FANS, SAMPLES
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import Scene, random_scene

FAN = FANS[0]
SOUND_SPEED, SAMPLE_PERIOD, RATE = 1500, 8, 10.0  # metres a second, microseconds, hertz
STEP = SOUND_SPEED * SAMPLE_PERIOD / 2e6
DELAY = round(FAN.min_range / FAN.sample_spacing * SAMPLE_PERIOD)  # microseconds
FIRST = SOUND_SPEED * DELAY / 2e6
LATITUDE, LONGITUDE = 59.31, 10.55
START = 1_704_067_200  # 2024-01-01, in seconds since the epoch


def random_scenes(count: int, seed: int) -> Iterator[tuple[np.random.Generator, Scene]]:
    """Scenes that have nothing to do with each other, each with a random generator for its echoes."""
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        yield rng, random_scene(rng, FAN)


def record(
    scenes: Iterable[tuple[np.random.Generator, Scene]], advance: float = 0.0
) -> Iterator[tuple[np.ndarray, dict, Scene]]:
    """Record scenes.

    Args:
        scenes: each with a random generator for its echoes.
        advance: of the sonar from frame to frame, northwards, in pixels of the scenes; 0 if it does not know where it
            is.

    Yields:
        echoes: ``(288, 128)`` uint8, nearest range and leftmost beam first.
        header: the fields of its ARIS header.
        scene: the scene, its boxes in the pixels of the frame that reading the recording gives.
    """
    bearings, seen, read = beam_bearings(BEAMS, large_lens=False), _simulated_fan(), _read_fan()
    for index, (rng, scene) in enumerate(scenes):
        echoes = to_echoes(render(scene, rng), seen, bearings, FIRST, STEP, SAMPLES)
        corners = read.from_metres(seen.to_metres(scene.xyxy.reshape(-1, 2, 2)))
        place = _place(index * advance * seen.metres_per_pixel) if advance else {}
        yield echoes, _header(index) | place, replace(scene, xyxy=np.float32(corners).reshape(-1, 4))


def frame_shape() -> tuple[int, int]:
    """Rows and columns of the frames that reading the recording gives."""
    return _read_fan().shape


def _read_fan() -> FanGeometry:
    return enclosing_fan(beam_bearings(BEAMS, large_lens=False), FIRST, STEP, SAMPLES)


def _simulated_fan() -> FanGeometry:
    scale = STEP / FAN.sample_spacing
    limits = scale * FAN.min_range, scale * FAN.max_range
    return FanGeometry((COLS / 2, FAN.apex), scale, *limits, 2 * FAN.half_angle)


def _place(north: float) -> dict:
    start = Navigation(heading=0.0, latitude=LATITUDE, longitude=LONGITUDE)
    latitude, longitude = start.to_position(np.array([north, 0.0]))
    return {"latitude": latitude, "longitude": longitude, "heading": 0.0, "depth": 3.0}


def _header(index: int) -> dict:
    return {
        "frame_time": round((START + index / RATE) * 1e6),
        "window_start": FIRST,
        "window_length": STEP * SAMPLES,
        "sample_period": SAMPLE_PERIOD,
        "sample_start_delay": DELAY,
        "sound_speed": SOUND_SPEED,
        "frame_rate": RATE,
        "system": 1,
        "high_frequency": 1,
    }
