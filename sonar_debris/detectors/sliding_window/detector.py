"""The sliding-window detector: propose, refine, classify."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from sonar_debris.boxes import centre_and_extent, from_centre_and_extent
from sonar_debris.classifiers.crop_classifier import BACKGROUND, CROP_CONTEXT, CropClassifier
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.networks import OBJECTNESS_WINDOW, REFINER_SIZE
from sonar_debris.detectors.sliding_window.proposals import ObjectProposer
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import preprocess
from sonar_debris.networks import load_network
from sonar_debris.windows import extract_windows


class SlidingWindowDetector(DebrisDetector):
    """The published pipeline, with boxes that fit.

    The objectness network proposes boxes over an image pyramid, the box refiner fits them twice, and the crop
    classifier labels them. An object that fits no class well is labelled ``unknown``.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        classifier: classifies crops; its last class is background.
        settings: settings that belong to these networks.

    References:
        Valdenegro-Toro, End-to-End Object Detection and Recognition in Forward-Looking Sonar Images with
        Convolutional Neural Networks, 2016, doi:10.1109/AUV.2016.7778662.
    """

    settings: SlidingWindowSettings

    def __init__(self, objectness: Any, refiner: Any, classifier: CropClassifier, settings: SlidingWindowSettings):
        self.proposer = ObjectProposer(objectness, refiner, settings)
        self.classifier = classifier
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder.

        Raises:
            SonarDebrisError: a file of the folder is missing or cannot be read.
        """
        return cls.load_networks(folder, SlidingWindowSettings.load(folder / "model.json"))

    @classmethod
    def load_networks(cls, folder: Path, settings: SlidingWindowSettings) -> Self:
        """Load the networks of a model folder, which need not have a ``model.json`` yet.

        Args:
            folder: folder of ``objectness.keras``, ``refiner.keras`` and ``classifier.keras``.
            settings: settings of the detector.

        Returns:
            The detector.

        Raises:
            SonarDebrisError: a network is missing, cannot be read, or has inputs or outputs of another shape.
        """
        names = (*settings.class_names, BACKGROUND)
        objectness = _load_shaped(folder / "objectness.keras", OBJECTNESS_WINDOW, 1)
        refiner = _load_shaped(folder / "refiner.keras", REFINER_SIZE, 5)
        classifier = CropClassifier(_load_shaped(folder / "classifier.keras", None, len(names)), names)
        return cls(objectness, refiner, classifier, settings)

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections in each of several frames, which may differ in size."""
        if not frames:
            return []
        images, factors = zip(*(preprocess(frame) for frame in frames), strict=True)
        boxes, scores = zip(*self.proposer.propose_batch(images, self.settings.candidates), strict=True)
        crops = [self._extract_crops(image, xyxy) for image, xyxy in zip(images, boxes, strict=True)]
        probabilities = self.classifier.predict(np.concatenate(crops)[..., 0])
        if not (np.isfinite(probabilities).all() and all(np.isfinite(score).all() for score in scores)):
            raise ValueError("the output of a network is not finite; copy or train the model again")
        probabilities_of_frames = np.split(probabilities, np.cumsum([len(xyxy) for xyxy in boxes])[:-1])
        detections = []
        for xyxy, objectness, scale, frame_probabilities in zip(
            boxes, scores, factors, probabilities_of_frames, strict=True
        ):
            class_probabilities, background = frame_probabilities[:, :-1], frame_probabilities[:, -1]
            detections.append(self._label(xyxy / scale, objectness, class_probabilities, 1 - background))
        return detections

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes of objects of any class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], sorted by objectness.
        """
        return self.proposer.propose(frame)

    def _extract_crops(self, image: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
        """Return a square crop around each box, with its surroundings, for the classifier: ``(N, size, size, 1)``."""
        centre, extent = centre_and_extent(xyxy)
        side = extent.max(axis=1, initial=1, keepdims=True) * CROP_CONTEXT
        return extract_windows(image, from_centre_and_extent(centre, np.tile(side, 2)), self.classifier.size)


def _load_shaped(path: Path, size: int | None, outputs: int) -> Any:
    """Load a network from square crops to a vector; refuse other shapes.

    Args:
        path: the ``.keras`` file.
        size: side of the crops in pixels; None for any.
        outputs: length of the vector.
    """
    network = load_network(path)
    inputs = getattr(network, "input_shape", None)
    side = inputs[1] if isinstance(inputs, tuple) and len(inputs) == 4 else None
    expected = (None, side, side, 1), (None, outputs)
    if not side or (size and side != size) or (inputs, getattr(network, "output_shape", None)) != expected:
        raise SonarDebrisError(
            f"{path}: not the network of this detector with {outputs} outputs; copy or train the model again"
        )
    return network
