"""Simulated frames as the beams and samples that an ARIS 3000 would have recorded."""

from collections.abc import Iterator

import numpy as np

from sonar_debris.frames.aris_format import beam_bearings
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.scan_conversion import fan_around, to_echoes
from sonar_debris.simulator.fan import BEAMS, COLS, FANS, SAMPLES
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import random_scene

FAN = FANS[0]
SOUND_SPEED, SAMPLE_PERIOD, RATE = 1500, 8, 10.0  # metres a second, microseconds, hertz
STEP = SOUND_SPEED * SAMPLE_PERIOD / 2e6
DELAY = round(FAN.min_range / FAN.sample_spacing * SAMPLE_PERIOD)  # microseconds
FIRST = SOUND_SPEED * DELAY / 2e6
START = 1_704_067_200  # 2024-01-01, in seconds since the epoch


def simulate_recording(count: int, seed: int) -> Iterator[tuple[np.ndarray, dict, np.ndarray, np.ndarray]]:
    """Simulate frames as `simulate_frames` does, all with one fan.

    Args:
        count: number of frames.
        seed: non-negative integer.

    Yields:
        echoes: ``(288, 128)`` uint8, nearest range and leftmost beam first.
        header: the fields of its ARIS header.
        xyxy: ``(N, 4)`` float32 boxes in the pixels of the frame that reading the recording gives.
        class_id: ``(N,)`` int64 indices into ``sonar_debris.datasets.watertank.CLASS_NAMES``.
    """
    bearings, seen, read = beam_bearings(BEAMS, large_lens=False), _simulated_fan(), _read_fan()
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        scene = random_scene(rng, FAN)
        echoes = to_echoes(render(scene, rng), seen, bearings, FIRST, STEP, SAMPLES)
        corners = read.from_metres(seen.to_metres(scene.xyxy.reshape(-1, 2, 2)))
        yield echoes, _header(index), np.float32(corners).reshape(-1, 4), scene.class_id


def frame_shape() -> tuple[int, int]:
    """Rows and columns of the frames that reading the recording gives."""
    return _read_fan().shape


def _read_fan() -> FanGeometry:
    return fan_around(beam_bearings(BEAMS, large_lens=False), FIRST, STEP, SAMPLES)


def _simulated_fan() -> FanGeometry:
    scale = STEP / FAN.sample_spacing
    limits = scale * FAN.min_range, scale * FAN.max_range
    return FanGeometry((COLS / 2, FAN.apex), scale, *limits, 2 * FAN.half_angle)


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
