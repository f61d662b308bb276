"""Objects of frames by class and scene, so that rare ones can be drawn as often as common ones."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame


class ObjectBank:
    """Draws objects, each class as likely as any other, within a class each scene, and within that each object.

    Args:
        frames: whose objects to draw from.
    """

    def __init__(self, frames: Sequence[TrainingFrame]):
        by_class: dict[int, dict[int, list[tuple[TrainingFrame, int]]]] = {}
        for frame in frames:
            for number, class_id in enumerate(frame.class_id.tolist()):
                by_class.setdefault(class_id, {}).setdefault(frame.scene, []).append((frame, number))
        self._objects = [list(by_class[class_id].values()) for class_id in sorted(by_class)]

    def __len__(self) -> int:
        return sum(len(objects) for scenes in self._objects for objects in scenes)

    def draw(self, rng: np.random.Generator) -> tuple[TrainingFrame, int]:
        """A frame and the number of its object."""
        drawn = self._objects
        for _ in ("class", "scene", "object"):
            drawn = drawn[rng.integers(len(drawn))]
        return drawn
