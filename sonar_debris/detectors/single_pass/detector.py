"""The single-pass detector: one network, applied once to the whole frame."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from sonar_debris.boxes import area, iou, non_maximum_suppression, suppress_by_class
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SETTINGS_FILE, SinglePassSettings
from sonar_debris.detectors.single_pass.contrast import object_probability
from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE, split_outputs
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import preprocess
from sonar_debris.networks import load_network

WEIGHTS_FILE = "detector.keras"
# Number of locations per frame whose boxes are decoded, highest objectness first. Their boxes overlap, so far fewer
# remain after non-maximum suppression.
MAX_LOCATIONS = 300
# Classes that are less probable than this, given that the box shows an object, are no alternative labels.
MIN_ALTERNATIVE_PROBABILITY = 0.1


class Candidates(NamedTuple):
    """Boxes of one frame before their labels are chosen.

    Attributes:
        xyxy: ``(N, 4)`` float32 boxes in pixels.
        objectness: ``(N,)`` float32 in [0, 1].
        class_probabilities: ``(N, classes)`` float32, given that the box shows an object.
    """

    xyxy: np.ndarray
    objectness: np.ndarray
    class_probabilities: np.ndarray

    def select(self, index: np.ndarray) -> "Candidates":
        """Select candidates by a mask or an array of indices."""
        return Candidates(self.xyxy[index], self.objectness[index], self.class_probabilities[index])


class SinglePassDetector(DebrisDetector):
    """Detect objects with one network that predicts objectness, class and box at every location of a frame.

    Args:
        network: a network of `build_single_pass`.
        settings: settings that belong to it.
    """

    settings: SinglePassSettings

    def __init__(self, network: Any, settings: SinglePassSettings):
        self.network = network
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder.

        Raises:
            SonarDebrisError: a file of the folder is missing or cannot be read, or the network has another number of
                classes than ``model.json``.
        """
        settings = SinglePassSettings.load(folder / SETTINGS_FILE)
        network = load_network(folder / WEIGHTS_FILE)
        classes = len(settings.class_names)
        shapes = getattr(network, "input_shape", None), getattr(network, "output_shape", None)
        if shapes != ((None, None, None, 1), (None, None, None, 5 + classes)):
            raise SonarDebrisError(
                f"{folder / WEIGHTS_FILE}: not a single-pass network for the {classes} classes of {SETTINGS_FILE}; "
                "copy or train the model again"
            )
        return cls(network, settings)

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections in each of several frames, which may differ in size."""
        return [
            self._label_candidates(frame, candidates)
            for frame, candidates in zip(frames, self._predict(frames), strict=True)
        ]

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes of objects of any class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], sorted by objectness.
        """
        (candidates,) = self._predict([frame])
        proposals = self._suppress(candidates, candidates.objectness)
        return proposals.xyxy, proposals.objectness

    def _label_candidates(self, frame: Frame, candidates: Candidates) -> Detections:
        """Return the detections in a frame and, if ``min_score`` is low enough, their alternative labels."""
        best_score = candidates.objectness * candidates.class_probabilities.max(axis=1)
        best = self._suppress(candidates, best_score)
        object_score = self._object_score(frame, best) if self.settings.object_weights else None
        detections = self._label(best.xyxy, best.objectness, best.class_probabilities, object_score=object_score)
        if self.settings.min_score >= self.settings.alternative_max_score:
            return detections
        return Detections.merge([detections, self._find_alternatives(candidates, detections)])

    def _object_score(self, frame: Frame, candidates: Candidates) -> np.ndarray:
        """Return the probability ``(N,)`` that each candidate shows an object of any class."""
        image, factors = preprocess(frame)
        return object_probability(image, candidates.xyxy * factors, candidates.objectness, self.settings.object_weights)

    def _find_alternatives(self, candidates: Candidates, detections: Detections) -> Detections:
        """Return what suppression class by class would report in addition to the detections, with limited scores."""
        index, class_id = np.nonzero(candidates.class_probabilities >= MIN_ALTERNATIVE_PROBABILITY)
        objectness = candidates.objectness[index]
        uncalibrated = objectness * candidates.class_probabilities[index, class_id]
        score = np.interp(uncalibrated, *self.settings.calibration)
        alternatives = Detections(
            candidates.xyxy[index], score, class_id, objectness, self.class_names, np.ones(len(index), bool)
        )
        alternatives = alternatives[score >= self.settings.min_score]
        alternatives = alternatives[~_overlap_same_class(alternatives, detections, self.settings.nms_iou)]
        keep = suppress_by_class(alternatives.xyxy, alternatives.class_id, alternatives.score, self.settings.nms_iou)
        alternatives = alternatives[keep[: self.settings.candidates]]
        limited = np.minimum(alternatives.score, self.settings.alternative_max_score)
        return replace(alternatives, score=limited.astype(np.float32))

    def _suppress(self, candidates: Candidates, score: np.ndarray) -> Candidates:
        """Keep, of overlapping boxes, the one with the highest score, and sort by score."""
        keep = non_maximum_suppression(candidates.xyxy, score, self.settings.nms_iou)
        return candidates.select(keep[: self.settings.candidates])

    def _predict(self, frames: Sequence[Frame]) -> list[Candidates]:
        """Return the candidates at the best locations of each frame; frames of the same size share a batch."""
        preprocessed = [preprocess(frame) for frame in frames]
        padded = [pad(image) for image, _ in preprocessed]
        candidates: dict[int, Candidates] = {}
        for shape in dict.fromkeys(image.shape for image in padded):
            indices = [index for index, image in enumerate(padded) if image.shape == shape]
            batch = np.stack([padded[index] for index in indices])[..., None]
            for index, output in zip(indices, self.network.predict_on_batch(batch), strict=True):
                image, factors = preprocessed[index]
                if not np.isfinite(output).all():
                    raise ValueError("the network's output is not finite; copy or train the model again")
                candidates[index] = _clip_candidates(decode(output), image, factors)
        return [candidates[index] for index in range(len(frames))]


def decode(output: np.ndarray) -> Candidates:
    """Return the boxes at the `MAX_LOCATIONS` locations of highest objectness.

    Args:
        output: ``(rows, cols, 5 + classes)`` output of the network for one frame.

    Returns:
        Boxes in pixels of the network's input, sorted by objectness.
    """
    rows, cols, channels = output.shape
    y, x = np.divmod(np.arange(rows * cols), cols)
    outputs = output.reshape(-1, channels)
    best = np.argsort(-split_outputs(outputs).objectness, kind="stable")[:MAX_LOCATIONS]
    parts = split_outputs(outputs[best])
    locations = np.column_stack([x, y])[best].astype(np.float32) + np.float32(0.5)
    xyxy = STRIDE * np.concatenate(parts.boxes(locations), axis=1)
    return Candidates(xyxy, parts.objectness, parts.class_probabilities)


def clip_to_fan(xyxy: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Clip boxes to the fan: shrink each to the bounding box of the fan inside it. Labels do not extend beyond the fan.

    Args:
        xyxy: ``(N, 4)`` boxes in pixels.
        image: ``(rows, cols)``, 0 outside the fan.

    Returns:
        ``(N, 4)`` boxes; those outside the fan have no area.
    """
    fan = image != 0
    left, right = _fan_columns(fan, xyxy[:, 1], xyxy[:, 3])
    top, bottom = _fan_columns(fan.T, xyxy[:, 0], xyxy[:, 2])
    left_top = np.maximum(xyxy[:, :2], np.column_stack([left, top]))
    right_bottom = np.minimum(xyxy[:, 2:], np.column_stack([right, bottom]))
    return np.concatenate([left_top, np.maximum(left_top, right_bottom)], axis=1).astype(xyxy.dtype)


def _fan_columns(fan: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the fan's first column, and the column after its last, among the rows ``low`` to ``high`` of each box."""
    rows, cols = fan.shape
    has_fan = fan.any(axis=1)
    # One more row, without fan, because the range of rows of the last box may end behind the frame.
    first = np.append(np.where(has_fan, fan.argmax(axis=1), cols), cols)
    after_last = np.append(np.where(has_fan, cols - fan[:, ::-1].argmax(axis=1), 0), 0)
    begin = np.clip(np.floor(low).astype(int), 0, rows - 1)
    end = np.clip(np.ceil(high).astype(int), begin + 1, rows)
    # reduceat reduces [begin, end) of each box, and [end, next begin) in between, which [::2] drops.
    ranges = np.column_stack([begin, end]).ravel()
    return np.minimum.reduceat(first, ranges)[::2], np.maximum.reduceat(after_last, ranges)[::2]


def _overlap_same_class(alternatives: Detections, detections: Detections, threshold: float) -> np.ndarray:
    """Return ``(N,)`` whether each alternative overlaps a detection of its class by an IoU above the threshold."""
    same_class = alternatives.class_id[:, None] == detections.class_id
    overlaps = iou(alternatives.xyxy, detections.xyxy) > threshold
    return np.asarray((same_class & overlaps).any(axis=1))


def pad(image: np.ndarray) -> np.ndarray:
    """Pad a normalised frame on its right and bottom with 0, the value outside the fan.

    Args:
        image: ``(rows, cols)``.

    Returns:
        The image with sides that are multiples of `MULTIPLE`.
    """
    return np.pad(image, [(0, -side % MULTIPLE) for side in image.shape])


def _clip_candidates(candidates: Candidates, image: np.ndarray, factors: np.ndarray) -> Candidates:
    """Clip boxes to the fan of a preprocessed frame, drop those outside it, and scale them to the frame as stored."""
    clipped = candidates._replace(xyxy=clip_to_fan(candidates.xyxy, image))
    inside = clipped.select(area(clipped.xyxy) > 0)
    return inside._replace(xyxy=inside.xyxy / factors)
