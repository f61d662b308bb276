"""DebrisDetector: propose, refine, name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sonar_debris.detection.boxes import centre_and_extent, from_centre_and_extent
from sonar_debris.detection.classifier import BACKGROUND, CONTEXT, CropClassifier
from sonar_debris.detection.detections import UNKNOWN, Detections
from sonar_debris.detection.proposer import ObjectProposer, prepare
from sonar_debris.detection.registry import DEFAULT_MODEL, find_model
from sonar_debris.detection.settings import PipelineSettings
from sonar_debris.detection.weights import load_network
from sonar_debris.detection.windows import cut_windows
from sonar_debris.frames.frame import Frame


class DebrisDetector:
    """Finds and names debris in sonar frames.

    Dense objectness over an image pyramid proposes boxes; the box refiner fits them, twice; the crop classifier
    names them. An object that fits no class well is ``unknown``.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        classifier: names crops; its last class is background.
        settings: numbers that belong to these networks.

    Example:
        >>> detector = DebrisDetector.from_pretrained()  # doctest: +SKIP
        >>> detections = detector.detect(frame)  # doctest: +SKIP

    References:
        Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with
        Convolutional Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
    """

    def __init__(self, objectness, refiner, classifier: CropClassifier, settings: PipelineSettings):
        self.proposer = ObjectProposer(objectness, refiner, settings)
        self.classifier = classifier
        self.settings = settings

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = DEFAULT_MODEL, min_score: float | None = None
    ) -> "DebrisDetector":
        """Load a shipped model by name, or any model folder.

        Args:
            name_or_path: see ``sonar-debris models list``.
            min_score: lowest score of a detection, in [0, 1]; the model's own by default.

        Raises:
            SonarDebrisError: there is no such model, or it cannot be read.
            ValueError: ``min_score`` is not in [0, 1].
        """
        if min_score is not None and not 0 <= min_score <= 1:
            raise ValueError(f"min_score must lie in [0, 1]. Received: {min_score}")
        folder = find_model(name_or_path)
        settings = PipelineSettings.load(folder / "model.json")
        if min_score is not None:
            settings = replace(settings, min_score=min_score)
        classifier = CropClassifier(load_network(folder / "classifier.keras"), (*settings.class_names, BACKGROUND))
        return cls(
            load_network(folder / "objectness.keras"), load_network(folder / "refiner.keras"), classifier, settings
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.settings.name

    @property
    def min_score(self) -> float:
        """Detections below this score are left out."""
        return self.settings.min_score

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, then ``"unknown"``."""
        return (*self.settings.class_names, UNKNOWN)

    def detect(self, frame: Frame) -> Detections:
        """The objects in a frame, best score first."""
        return self.detect_batch([frame])[0]

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """The objects in each of several frames, which may differ in size."""
        if not frames:
            return []
        images, factors = zip(*(prepare(frame) for frame in frames), strict=True)
        found = self.proposer.find(images, self.settings.candidates)
        crops = [self._crops(image, xyxy) for image, (xyxy, _) in zip(images, found, strict=True)]
        probabilities = self.classifier.predict(np.concatenate(crops)[..., 0])
        parts = np.split(probabilities, np.cumsum([len(each) for each in crops])[:-1])
        return [
            self._name(xyxy / shrunk, objectness, part)
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
        return cut_windows(image, from_centre_and_extent(centre, np.tile(side, 2)), self.classifier.size)

    def _name(self, xyxy: np.ndarray, objectness: np.ndarray, probabilities: np.ndarray) -> Detections:
        named, background = probabilities[:, :-1], probabilities[:, -1]
        class_id, probability = named.argmax(axis=1), named.max(axis=1, initial=0)
        # Of what is an object at all: background that resembles nothing is not an unknown object.
        unsure = probability < self.settings.min_probability * (1 - background)
        # A named box is right if it is an object and bears the right name; an unknown one claims no name.
        score = objectness * np.where(unsure, 1 - background, probability)
        class_id = np.where(unsure, len(self.settings.class_names), class_id)
        order = np.argsort(-score, kind="stable")
        order = order[score[order] >= self.settings.min_score]
        return Detections(xyxy, score, class_id, objectness, self.class_names)[order]
