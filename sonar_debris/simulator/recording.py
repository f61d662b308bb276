"""Convert simulated scenes to the beams and samples of an ARIS 3000 recording."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from sonar_debris.frames.aris_format import beam_bearings
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.frames.scan_conversion import enclosing_fan, to_echoes
from sonar_debris.simulator.fan import BEAMS, COLS, FANS, SAMPLES
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import Scene, random_scene

FAN = FANS[0]
SOUND_SPEED = 1500  # in metres per second
SAMPLE_PERIOD = 8  # in microseconds
FRAME_RATE = 10.0  # in hertz
START_TIME = 1_704_067_200  # 2024-01-01, in seconds since the epoch
_START_DELAY = round(FAN.min_range / FAN.sample_spacing * SAMPLE_PERIOD)  # until the first sample, in microseconds
_FIRST_RANGE = SOUND_SPEED * _START_DELAY / 2e6  # in metres
_SAMPLE_LENGTH = SOUND_SPEED * SAMPLE_PERIOD / 2e6  # in metres
_START = Navigation(heading=0.0, latitude=59.31, longitude=10.55)
_DEPTH = 3.0  # in metres


def random_scenes(count: int, seed: int) -> Iterator[tuple[np.random.Generator, Scene]]:
    """Generate unrelated random scenes.

    Args:
        count: number of scenes.
        seed: seed, 0 or more.

    Yields:
        A random generator for rendering, and the scene.
    """
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        yield rng, random_scene(rng, FAN)


def record(
    scenes: Iterable[tuple[np.random.Generator, Scene]], advance: float = 0.0
) -> Iterator[tuple[np.ndarray, dict[str, Any], Scene]]:
    """Record scenes.

    Args:
        scenes: a random generator for rendering and the scene of each frame.
        advance: distance that the sonar moves north between frames, in pixels of the scenes. With 0 the recording has
            no positions.

    Yields:
        echoes: ``(288, 128)`` uint8, nearest range and leftmost beam first.
        header: fields of the frame's ARIS header.
        scene: the scene, with its boxes in pixels of the frame that `open_frames` reads from the recording.
    """
    bearings = beam_bearings(BEAMS, large_lens=False)
    scene_fan, frame_fan = _scene_fan(), _frame_fan()
    for index, (rng, scene) in enumerate(scenes):
        echoes = to_echoes(render(scene, rng), scene_fan, bearings, _FIRST_RANGE, _SAMPLE_LENGTH, SAMPLES)
        corners = frame_fan.from_metres(scene_fan.to_metres(scene.xyxy.reshape(-1, 2, 2)))
        header = _header(index)
        if advance:
            header |= _position(index * advance * scene_fan.metres_per_pixel)
        yield echoes, header, replace(scene, xyxy=corners.astype(np.float32).reshape(-1, 4))


def frame_shape() -> tuple[int, int]:
    """Return the rows and columns of the frames that `open_frames` reads from a recording."""
    return _frame_fan().shape


def _frame_fan() -> FanGeometry:
    """Return the fan of the frames that `open_frames` reads from a recording."""
    return enclosing_fan(beam_bearings(BEAMS, large_lens=False), _FIRST_RANGE, _SAMPLE_LENGTH, SAMPLES)


def _scene_fan() -> FanGeometry:
    """Return the fan of rendered scenes."""
    metres_per_pixel = _SAMPLE_LENGTH / FAN.sample_spacing
    min_range, max_range = metres_per_pixel * FAN.min_range, metres_per_pixel * FAN.max_range
    return FanGeometry((COLS / 2, FAN.apex), metres_per_pixel, min_range, max_range, 2 * FAN.half_angle)


def _position(north: float) -> dict[str, float]:
    """Return the header fields of the sonar's position, in metres north of the start."""
    latitude, longitude = _START.to_position(np.array([north, 0.0]))
    return {"latitude": latitude, "longitude": longitude, "heading": 0.0, "depth": _DEPTH}


def _header(index: int) -> dict[str, Any]:
    return {
        "frame_time": round((START_TIME + index / FRAME_RATE) * 1e6),
        "window_start": _FIRST_RANGE,
        "window_length": _SAMPLE_LENGTH * SAMPLES,
        "sample_period": SAMPLE_PERIOD,
        "sample_start_delay": _START_DELAY,
        "sound_speed": SOUND_SPEED,
        "frame_rate": FRAME_RATE,
        "system": 1,
        "high_frequency": 1,
    }
