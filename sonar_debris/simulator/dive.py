"""Simulated dives: the sonar moves forward over objects on the sea floor and sees each object in many frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import COLS, Fan
from sonar_debris.simulator.reflectors import Reflector
from sonar_debris.simulator.scene import Scene, bounding_box, clip_to_fan
from sonar_debris.simulator.shapes import SHAPES

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


def place_objects(frames: int, fan: Fan, seed: int) -> list[PlacedObject]:
    """Place objects of random classes along the track, far enough apart that none hides another.

    Args:
        frames: number of frames of the dive.
        fan: the sonar's geometry.
        seed: seed, 0 or more.

    Returns:
        The objects, in the order of the track.
    """
    rng = np.random.default_rng((seed, 0))
    placed: list[PlacedObject] = []
    distance, end = fan.min_range, fan.max_range + ADVANCE * frames
    while (distance := distance + rng.uniform(0.5, 1.5) * _SPACING) < end:
        offset = rng.uniform(-_MAX_OFFSET, _MAX_OFFSET)
        separations = [np.hypot(offset - other.offset, distance - other.distance) for other in placed[-4:]]
        if all(separation >= _MIN_DISTANCE for separation in separations):
            placed.append(PlacedObject(len(placed) + 1, str(rng.choice(list(SHAPES))), offset, distance))
    return placed


def dive_scenes(frames: int, fan: Fan, seed: int) -> Iterator[tuple[np.random.Generator, Scene]]:
    """Generate the scenes of a dive.

    Args:
        frames: number of frames.
        fan: the sonar's geometry.
        seed: seed, 0 or more.

    Yields:
        A random generator for rendering, and the scene of the frame with the objects' numbers as ``object_id``.
    """
    placed = place_objects(frames, fan, seed)
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
        shape = SHAPES[item.class_name](np.random.default_rng((seed, 2, item.object_id)), centre)
        reflector = clip_to_fan(shape, fan)
        if reflector is not None:
            visible.append((item, reflector))
    boxes = [bounding_box(reflector.outline) for _, reflector in visible]
    return Scene(
        fan,
        tuple(reflector for _, reflector in visible),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([CLASS_NAMES.index(item.class_name) for item, _ in visible], np.int64),
        np.array([item.object_id for item, _ in visible], np.int64),
    )
