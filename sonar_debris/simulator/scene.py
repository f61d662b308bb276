"""Random scenes of the water tank: objects, their positions and their labelled boxes."""

from dataclasses import dataclass, replace

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import COLS, FANS, Fan, fan_mask
from sonar_debris.simulator.reflectors import Reflector
from sonar_debris.simulator.shapes import SHAPES, wall

# These classes show only as silhouettes on an insonified sea floor.
SILHOUETTES = {"shampoo-bottle", "standing-bottle"}
_SILHOUETTE_IDS = {CLASS_NAMES.index(name) for name in SILHOUETTES}
_MAX_ATTEMPTS = 20  # at placing an object
_MIN_GAP = 6  # between two boxes, in pixels
_MIN_PIXELS = 150  # of an object inside the fan
_COUNT_PROBABILITIES = (0.28, 0.44, 0.25, 0.03)  # of 1, 2, 3 and 4 objects, as in the watertank frames
_WALL_PROBABILITY = 0.2


@dataclass(frozen=True)
class Scene:
    """The objects in a simulated frame.

    Attributes:
        fan: the sonar's geometry.
        reflectors: the objects, with their outlines clipped to the fan.
        xyxy: ``(N, 4)`` float32 labelled boxes in pixels: left, top, right, bottom.
        class_id: ``(N,)`` int64 indices into the class names: of the watertank, or of a dive.
        object_id: ``(N,)`` int64, the same for an object in all frames of a dive; None if no object appears in several
            frames.
    """

    fan: Fan
    reflectors: tuple[Reflector, ...]
    xyxy: np.ndarray
    class_id: np.ndarray
    object_id: np.ndarray | None = None

    @property
    def has_silhouette(self) -> bool:
        """Whether an object shows only on an insonified sea floor."""
        return any(class_id in _SILHOUETTE_IDS for class_id in self.class_id.tolist())


def random_scene(rng: np.random.Generator, fan: Fan | None = None) -> Scene:
    """Draw a scene of one to four objects whose boxes do not overlap.

    Args:
        rng: random generator.
        fan: the sonar's geometry; one of `FANS` at random by default.

    Returns:
        The scene.
    """
    fan = fan or FANS[rng.integers(len(FANS))]
    reflectors: list[Reflector] = []
    boxes: list[np.ndarray] = []
    class_id: list[int] = []
    while not boxes:
        for name in _random_names(rng):
            reflector = _place_object(rng, fan, name, boxes)
            if reflector is not None:
                reflectors.append(reflector)
                boxes.append(bounding_box(reflector.outline))
                class_id.append(CLASS_NAMES.index(name))
    return Scene(fan, tuple(reflectors), np.array(boxes, np.float32), np.array(class_id, np.int64))


def _place_object(rng: np.random.Generator, fan: Fan, name: str, boxes: list[np.ndarray]) -> Reflector | None:
    """Draw an object at a free position, or return None if no attempt succeeds."""
    for _ in range(_MAX_ATTEMPTS):
        reflector = clip_to_fan(_random_reflector(rng, fan, name), fan)
        if reflector is not None:
            new_box = bounding_box(reflector.outline)
            if not any(_too_close(new_box, box) for box in boxes):
                return reflector
    return None


def _random_names(rng: np.random.Generator) -> list[str]:
    count = 1 + rng.choice(len(_COUNT_PROBABILITIES), p=_COUNT_PROBABILITIES)
    names = rng.choice(list(SHAPES), count, replace=False).tolist()
    if rng.random() < _WALL_PROBABILITY:
        names[-1] = "wall"
    return names


def _random_reflector(rng: np.random.Generator, fan: Fan, name: str) -> Reflector:
    if name == "wall":
        return wall(rng, fan)
    # A silhouette is as long as a third of the fan and must not reach the dark far part of the sea floor.
    nearest, farthest = (0.34, 0.75) if name in SILHOUETTES else (0.12, 0.97)
    distance = fan.min_range + rng.uniform(nearest, farthest) * (fan.max_range - fan.min_range)
    bearing = np.radians(rng.uniform(-0.92, 0.92) * fan.half_angle)
    return SHAPES[name](rng, (COLS / 2 + distance * np.sin(bearing), fan.apex - distance * np.cos(bearing)))


def clip_to_fan(reflector: Reflector, fan: Fan) -> Reflector | None:
    """Clip a reflector's outline to the fan.

    Args:
        reflector: the reflector.
        fan: the sonar's geometry.

    Returns:
        The clipped reflector, or None if too little of it is inside the fan to be labelled.
    """
    inside = reflector.outline & fan_mask(fan)
    pixels = np.count_nonzero(inside)
    if pixels < _MIN_PIXELS or pixels < reflector.min_visible * np.count_nonzero(reflector.outline):
        return None
    return replace(reflector, outline=inside)


def bounding_box(mask: np.ndarray) -> np.ndarray:
    """Return left, top, right and bottom, ``(4,)`` float32, of the True pixels of a mask."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1], np.float32)


def _too_close(box: np.ndarray, other: np.ndarray) -> bool:
    return bool((box[:2] < other[2:] + _MIN_GAP).all() and (other[:2] < box[2:] + _MIN_GAP).all())
