"""ObjectProposer: where objects of whatever class are, by the objectness network and the box refiner."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.detection.boxes import non_maximum_suppression
from sonar_debris.detection.preparation import prepare
from sonar_debris.detection.proposals import propose
from sonar_debris.detection.refinement import refine
from sonar_debris.detection.settings import SlidingWindowSettings
from sonar_debris.frames.frame import Frame
from sonar_debris.networks.box_refiner import CONTEXT
from sonar_debris.networks.objectness import make_dense


class ObjectProposer:
    """Dense objectness over an image pyramid proposes boxes; the box refiner fits and judges them, twice.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        settings: numbers that belong to these networks.
    """

    def __init__(self, objectness, refiner, settings: SlidingWindowSettings):
        self.objectness = make_dense(objectness, settings.step)
        self.refiner = refiner
        self.settings = settings

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of objects of whatever class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], best first.
        """
        image, factors = prepare(frame)
        ((xyxy, objectness),) = self.find([image], self.settings.proposals)
        return xyxy / factors, objectness

    def find(self, images: Sequence[np.ndarray], count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Refined boxes, at most ``count``, and their objectness, for each normalised frame ``(rows, cols)``."""
        boxes = self._propose(images)
        scores: list[np.ndarray] = []
        # The second pass starts from boxes that nearly fit, and so fits them better and judges them better.
        for _ in range(2):
            boxes, scores = refine(self.refiner, images, boxes, CONTEXT)
            best = [
                non_maximum_suppression(*each, self.settings.overlap)[:count]
                for each in zip(boxes, scores, strict=True)
            ]
            boxes, scores = ([part[keep] for part, keep in zip(parts, best, strict=True)] for parts in (boxes, scores))
        return list(zip(boxes, scores, strict=True))

    def _propose(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Proposals for each frame; frames of one size go through the network together."""
        proposals: list[np.ndarray] = [np.zeros((0, 4), np.float32)] * len(images)
        for shape in dict.fromkeys(image.shape for image in images):
            same = [number for number, image in enumerate(images) if image.shape == shape]
            found = propose(
                self.objectness, [images[number] for number in same], self.settings.step, self.settings.proposals
            )
            for number, boxes in zip(same, found, strict=True):
                proposals[number] = boxes
        return proposals
