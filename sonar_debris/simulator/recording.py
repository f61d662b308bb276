"""Simulate dives, and convert simulated scenes to the beams and samples of an ARIS 3000 recording."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.frames.aris_format import beam_bearings
from sonar_debris.frames.geometry import FanGeometry, Navigation
from sonar_debris.frames.scan_conversion import enclosing_fan, to_echoes
from sonar_debris.simulator.fan import BEAMS, COLS, FANS, SAMPLES, Fan
from sonar_debris.simulator.new_shapes import NEW_SHAPES
from sonar_debris.simulator.reflectors import Reflector
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import Scene, bounding_box, clip_to_fan, random_scene
from sonar_debris.simulator.shapes import SHAPES

FAN = FANS[0]
# Classes of the objects of a dive; the new ones come last.
DIVE_CLASS_NAMES = (*CLASS_NAMES, *NEW_SHAPES)
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


# Lengths in pixels of the fan's frames.
ADVANCE = 5.0  # of the sonar between frames
_SPACING = 170.0  # mean distance of successive objects along the track
_MIN_DISTANCE = 130.0  # between any two objects
_MAX_OFFSET = 60.0  # from the track to either side
_MARGIN = 80.0  # beyond the fan within which an object may still reach into it


@dataclass(frozen=True)
class PlacedObject:
    """An object on the sea floor.

    Attributes:
        object_id: number of the object along the track, from 1.
        class_name: the object's class.
        offset: distance to the right of the sonar's track, in pixels.
        distance: distance along the track from the sonar's first position, in pixels.
    """

    object_id: int
    class_name: str
    offset: float
    distance: float


def place_objects(frames: int, fan: Fan, seed: int, new_share: float = 0.0) -> list[PlacedObject]:
    """Place objects of random classes along the track, far enough apart that none hides another.

    Args:
        frames: number of frames of the dive.
        fan: the sonar's geometry.
        seed: seed, 0 or more.
        new_share: share of objects of new shapes, 0 to 1. The other objects are the same for any share.

    Returns:
        The objects, in the order of the track.
    """
    rng, new_rng = np.random.default_rng((seed, 0)), np.random.default_rng((seed, 3))
    placed: list[PlacedObject] = []
    distance, end = fan.min_range, fan.max_range + ADVANCE * frames
    while (distance := distance + rng.uniform(0.5, 1.5) * _SPACING) < end:
        offset = rng.uniform(-_MAX_OFFSET, _MAX_OFFSET)
        separations = [np.hypot(offset - other.offset, distance - other.distance) for other in placed[-4:]]
        if all(separation >= _MIN_DISTANCE for separation in separations):
            name, new_name = str(rng.choice(list(SHAPES))), str(new_rng.choice(list(NEW_SHAPES)))
            is_new = new_rng.random() < new_share
            placed.append(PlacedObject(len(placed) + 1, new_name if is_new else name, offset, distance))
    return placed


def dive_scenes(
    frames: int, fan: Fan, seed: int, new_share: float = 0.0
) -> Iterator[tuple[np.random.Generator, Scene]]:
    """Generate the scenes of a dive.

    Args:
        frames: number of frames.
        fan: the sonar's geometry.
        seed: seed, 0 or more.
        new_share: share of objects of new shapes, 0 to 1.

    Yields:
        A random generator for rendering, and the scene of the frame with the objects' numbers as ``object_id``.
    """
    placed = place_objects(frames, fan, seed, new_share)
    nearest, farthest = fan.min_range - _MARGIN, fan.max_range + _MARGIN
    for index in range(frames):
        travelled = ADVANCE * index
        near = [item for item in placed if nearest < item.distance - travelled < farthest]
        yield np.random.default_rng((seed, 1, index)), _dive_scene(fan, near, travelled, seed)


def _dive_scene(fan: Fan, near: list[PlacedObject], travelled: float, seed: int) -> Scene:
    """Return the scene that the sonar sees after it has travelled some pixels."""
    visible: list[tuple[PlacedObject, Reflector]] = []
    for item in near:
        centre = COLS / 2 + item.offset, fan.apex - (item.distance - travelled)
        # The object's generator starts from the same seed in each frame, so that the object keeps its shape.
        draw = (SHAPES | NEW_SHAPES)[item.class_name]
        shape = draw(np.random.default_rng((seed, 2, item.object_id)), centre)
        reflector = clip_to_fan(shape, fan)
        if reflector is not None:
            visible.append((item, reflector))
    boxes = [bounding_box(reflector.outline) for _, reflector in visible]
    return Scene(
        fan,
        tuple(reflector for _, reflector in visible),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([DIVE_CLASS_NAMES.index(item.class_name) for item, _ in visible], np.int64),
        np.array([item.object_id for item, _ in visible], np.int64),
    )
