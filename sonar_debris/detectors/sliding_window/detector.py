"""The sliding-window detector: propose, refine, name."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sonar_debris.boxes import centre_and_extent, from_centre_and_extent
from sonar_debris.classifiers.crop_classifier import BACKGROUND, CONTEXT, CropClassifier
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.proposals import ObjectProposer
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.preprocessing import preprocess
from sonar_debris.networks import load_network
from sonar_debris.windows import extract_windows


class SlidingWindowDetector(DebrisDetector):
    """The published pipeline, with boxes that fit.

    Dense objectness over an image pyramid proposes boxes; the box refiner fits them, twice; the crop classifier
    names them. An object that fits no class well is ``unknown``.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        classifier: names crops; its last class is background.
        settings: numbers that belong to these networks.

    References:
        Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with
        Convolutional Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
    """

    def __init__(self, objectness, refiner, classifier: CropClassifier, settings: SlidingWindowSettings):
        self.proposer = ObjectProposer(objectness, refiner, settings)
        self.classifier = classifier
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> "SlidingWindowDetector":
        """Load a model folder.

        Raises:
            SonarDebrisError: a part of it is missing or cannot be read.
        """
        settings = SlidingWindowSettings.load(folder / "model.json")
        classifier = CropClassifier(load_network(folder / "classifier.keras"), (*settings.class_names, BACKGROUND))
        networks = load_network(folder / "objectness.keras"), load_network(folder / "refiner.keras")
        return cls(*networks, classifier, settings)

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """The objects in each of several frames, which may differ in size."""
        if not frames:
            return []
        images, factors = zip(*(preprocess(frame) for frame in frames), strict=True)
        found = self.proposer.find(images, self.settings.candidates)
        crops = [self._crops(image, xyxy) for image, (xyxy, _) in zip(images, found, strict=True)]
        probabilities = self.classifier.predict(np.concatenate(crops)[..., 0])
        parts = np.split(probabilities, np.cumsum([len(each) for each in crops])[:-1])
        return [
            self._named(xyxy / shrunk, objectness, part[:, :-1], 1 - part[:, -1])
            for (xyxy, objectness), shrunk, part in zip(found, factors, parts, strict=True)
        ]

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of objects of whatever class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], best first.
        """
        return self.proposer.propose(frame)

    def _crops(self, image: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """Each box with some surroundings, its aspect kept, as the classifier takes it: ``(N, size, size, 1)``."""
        centre, extent = centre_and_extent(xyxy)
        side = extent.max(axis=1, initial=1, keepdims=True) * CONTEXT
        return extract_windows(image, from_centre_and_extent(centre, np.tile(side, 2)), self.classifier.size)
