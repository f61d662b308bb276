"""A simulated dive: the sonar moves on over a sea floor on which objects lie, each seen in many frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import COLS, Fan
from sonar_debris.simulator.scene import Scene, cut_to_fan, tight_box
from sonar_debris.simulator.shapes import OBJECTS

# In pixels of the fan's frames.
ADVANCE = 5.0  # of the sonar from frame to frame
SPACING = 170.0  # of the objects along the way, on average
APART = 130.0  # least distance of two objects


@dataclass(frozen=True)
class PlacedObject:
    """An object on the sea floor.

    Attributes:
        number: from 1, in the order of the way.
        name: of its class.
        right: of the sonar's way, in pixels.
        ahead: of the sonar at the first frame, in pixels.
    """

    number: int
    name: str
    right: float
    ahead: float


def place_objects(frames: int, fan: Fan, seed: int) -> list[PlacedObject]:
    """Lay objects of all classes along the way, so that none hides another."""
    rng = np.random.default_rng((seed, 0))
    ahead, placed = fan.min_range, []
    end = fan.max_range + ADVANCE * frames
    while (ahead := ahead + rng.uniform(0.5, 1.5) * SPACING) < end:
        right = rng.uniform(-60, 60)
        if all(np.hypot(right - each.right, ahead - each.ahead) >= APART for each in placed[-4:]):
            placed.append(PlacedObject(len(placed) + 1, str(rng.choice(list(OBJECTS))), right, ahead))
    return placed


def dive_scenes(frames: int, fan: Fan, seed: int) -> Iterator[tuple[np.random.Generator, Scene]]:
    """The scene of each frame, with a random generator for its echoes; ``object_id`` tells the objects' numbers.

    Args:
        frames: number of frames.
        fan: of the sonar.
        seed: non-negative integer.
    """
    placed = place_objects(frames, fan, seed)
    for index in range(frames):
        moved = ADVANCE * index
        near = [each for each in placed if fan.min_range - 80 < each.ahead - moved < fan.max_range + 80]
        yield np.random.default_rng((seed, 1, index)), _scene(fan, near, moved, seed)


def _scene(fan: Fan, near: list[PlacedObject], moved: float, seed: int) -> Scene:
    reflectors, boxes, classes, numbers = [], [], [], []
    for each in near:
        centre = COLS / 2 + each.right, fan.apex - (each.ahead - moved)
        # The same generator for each frame: the object keeps its shape.
        reflector = cut_to_fan(OBJECTS[each.name](np.random.default_rng((seed, 2, each.number)), centre), fan)
        if reflector is not None:
            reflectors.append(reflector)
            boxes.append(tight_box(reflector.outline))
            classes.append(CLASS_NAMES.index(each.name))
            numbers.append(each.number)
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Scene(fan, tuple(reflectors), xyxy, np.array(classes, np.int64), np.array(numbers, np.int64))
