"""Objects of frames by class, so that rare classes can be drawn as often as common ones."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame


class ObjectBank:
    """Draws objects, each class as likely as any other, and within a class each object.

    Args:
        frames: whose objects to draw from.
    """

    def __init__(self, frames: Sequence[TrainingFrame]):
        self._by_class: dict[int, list[tuple[TrainingFrame, int]]] = {}
        for frame in frames:
            for number, class_id in enumerate(frame.class_id.tolist()):
                self._by_class.setdefault(class_id, []).append((frame, number))
        self._classes = sorted(self._by_class)

    def __len__(self) -> int:
        return sum(map(len, self._by_class.values()))

    def draw(self, rng: np.random.Generator) -> tuple[TrainingFrame, int]:
        """A frame and the number of its object."""
        objects = self._by_class[self._classes[rng.integers(len(self._classes))]]
        return objects[rng.integers(len(objects))]
