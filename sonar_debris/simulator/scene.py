"""A random tank scene: which objects lie where."""

from dataclasses import dataclass, replace

import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import COLS, FANS, Fan, fan_mask
from sonar_debris.simulator.shapes import OBJECTS, Reflector, wall

# Shadow-like objects only show on a lit seabed.
SILHOUETTES = {"shampoo-bottle", "standing-bottle"}
_ATTEMPTS = 20
_GAP = 6  # least distance of two boxes, in pixels
_COUNT_SHARES = (0.28, 0.44, 0.25, 0.03)  # of frames with 1, 2, 3 and 4 objects, as in the watertank frames
_WALL_SHARE = 0.2


@dataclass(frozen=True)
class Scene:
    """What stands in one simulated frame.

    Attributes:
        fan: the sonar's geometry.
        reflectors: the objects, each cut to the fan.
        xyxy: ``(N, 4)`` float32 boxes in pixels: left, top, right, bottom.
        class_id: ``(N,)`` int64 indices into the watertank class names.
        object_id: ``(N,)`` int64, the same for an object in all frames of a dive; None where no object is seen twice.
    """

    fan: Fan
    reflectors: tuple[Reflector, ...]
    xyxy: np.ndarray
    class_id: np.ndarray
    object_id: np.ndarray | None = None

    @property
    def has_silhouette(self) -> bool:
        """Whether an object shows only against a lit seabed."""
        return any(CLASS_NAMES[i] in SILHOUETTES for i in self.class_id)


def random_scene(rng: np.random.Generator, fan: Fan | None = None) -> Scene:
    """Draw a scene of one to four objects whose boxes do not overlap, and a fan if none is given."""
    fan = fan or FANS[rng.integers(len(FANS))]
    reflectors, boxes, class_id = [], [], []
    while not boxes:
        for name in _random_names(rng):
            reflector = _place(rng, fan, name, boxes)
            if reflector is not None:
                reflectors.append(reflector)
                boxes.append(tight_box(reflector.outline))
                class_id.append(CLASS_NAMES.index(name))
    return Scene(fan, tuple(reflectors), np.array(boxes, np.float32), np.array(class_id, np.int64))


def _place(rng, fan: Fan, name: str, boxes: list[np.ndarray]) -> Reflector | None:
    """An object where no box lies yet, or None where no free place was found."""
    for _ in range(_ATTEMPTS):
        reflector = cut_to_fan(_random_reflector(rng, fan, name), fan)
        if reflector is not None and not any(_touch(tight_box(reflector.outline), box) for box in boxes):
            return reflector
    return None


def _random_names(rng) -> list[str]:
    count = 1 + rng.choice(len(_COUNT_SHARES), p=_COUNT_SHARES)
    names = rng.choice(list(OBJECTS), count, replace=False).tolist()
    if rng.random() < _WALL_SHARE:
        names[-1] = "wall"
    return names


def _random_reflector(rng, fan: Fan, name: str) -> Reflector:
    if name == "wall":
        return wall(rng, fan)
    # A silhouette is as long as a third of the fan and has to end before the seabed's unlit far part.
    nearest, farthest = (0.34, 0.75) if name in SILHOUETTES else (0.12, 0.97)
    distance = fan.min_range + rng.uniform(nearest, farthest) * (fan.max_range - fan.min_range)
    bearing = np.radians(rng.uniform(-0.92, 0.92) * fan.half_angle)
    return OBJECTS[name](rng, (COLS / 2 + distance * np.sin(bearing), fan.apex - distance * np.cos(bearing)))


def cut_to_fan(reflector: Reflector, fan: Fan) -> Reflector | None:
    """The part inside the fan, None where too little of the object is left."""
    inside = reflector.outline & fan_mask(fan)
    left = np.count_nonzero(inside)
    if left < 150 or left < reflector.least_visible * np.count_nonzero(reflector.outline):
        return None
    return replace(reflector, outline=inside)


def tight_box(outline: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom ``(4,)`` float32 of what is True."""
    rows, cols = np.flatnonzero(outline.any(axis=1)), np.flatnonzero(outline.any(axis=0))
    return np.array([cols[0], rows[0], cols[-1] + 1, rows[-1] + 1], np.float32)


def _touch(box: np.ndarray, other: np.ndarray) -> bool:
    return bool((box[:2] < other[2:] + _GAP).all() and (other[:2] < box[2:] + _GAP).all())
