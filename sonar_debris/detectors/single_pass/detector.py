"""Cuts boxes off where the fan ends: what the sonar does not see, no label holds.

MERGED:
The single-pass detector: one network, one look at the whole frame.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sonar_debris.boxes import area, iou, non_maximum_suppression, suppress_by_class
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.preprocessing import preprocess
from sonar_debris.networks import load_network


def clip_to_fan(xyxy: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Shrink boxes to the part of the fan that they hold.

    Args:
        xyxy: ``(N, 4)`` boxes in pixels.
        image: ``(rows, cols)``, 0 outside the fan.

    Returns:
        ``(N, 4)`` boxes; those of boxes beside the fan have no area.
    """
    fan = image != 0
    left, right = _within(fan, xyxy[:, 1], xyxy[:, 3])
    top, bottom = _within(fan.T, xyxy[:, 0], xyxy[:, 2])
    low = np.maximum(xyxy[:, :2], np.column_stack([left, top]))
    high = np.minimum(xyxy[:, 2:], np.column_stack([right, bottom]))
    return np.concatenate([low, np.maximum(low, high)], axis=1).astype(xyxy.dtype)


def _within(fan: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first column of the fan, and the one behind the last, among the rows from ``low`` to ``high`` of each box."""
    rows, cols = fan.shape
    seen = fan.any(axis=1)
    # One more row, without fan: the last box's range may end behind the frame.
    first = np.append(np.where(seen, fan.argmax(axis=1), cols), cols)
    behind = np.append(np.where(seen, cols - fan[:, ::-1].argmax(axis=1), 0), 0)
    begin = np.clip(np.floor(low).astype(int), 0, rows - 1)
    end = np.clip(np.ceil(high).astype(int), begin + 1, rows)
    pairs = np.column_stack([begin, end]).ravel()
    return np.minimum.reduceat(first, pairs)[::2], np.maximum.reduceat(behind, pairs)[::2]


# Locations of a frame that are looked at, best first: their boxes overlap, so that far fewer remain.
MAX_LOCATIONS = 300

# Of what is an object: names that are less probable are no alternatives.
MIN_ALTERNATIVE_PROBABILITY = 0.1

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


class SinglePassDetector(DebrisDetector):
    """Objectness, class and box at every location of a frame, from one network.

    Args:
        network: of `build_single_pass`.
        settings: numbers that belong to it.
    """

    def __init__(self, network, settings: SinglePassSettings):
        self.network = network
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> "SinglePassDetector":
        """Load a model folder.

        Raises:
            SonarDebrisError: a part of it is missing or cannot be read.
        """
        return cls(load_network(folder / "detector.keras"), SinglePassSettings.load(folder / "model.json"))

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """The objects in each of several frames, which may differ in size."""
        return [self._objects(*found) for found in self._look(frames)]

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of objects of whatever class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], best first.
        """
        (found,) = self._look([frame])
        return self._best(*found, found[1])[:2]

    def _objects(self, xyxy: np.ndarray, objectness: np.ndarray, named: np.ndarray) -> Detections:
        objects = self._named(*self._best(xyxy, objectness, named, objectness * named.max(axis=1)))
        if self.settings.min_score >= self.settings.alternatives:
            return objects
        return objects + self._alternatives(xyxy, objectness, named, objects)

    def _alternatives(
        self, xyxy: np.ndarray, objectness: np.ndarray, named: np.ndarray, objects: Detections
    ) -> Detections:
        """What suppression class by class would tell beside the objects, with scores held down."""
        location, class_id = np.nonzero(named >= MIN_ALTERNATIVE_PROBABILITY)
        score = np.interp(objectness[location] * named[location, class_id], *self.settings.calibration)
        found = Detections(xyxy[location], score, class_id, objectness[location], self.class_names)
        found = found[score >= self.settings.min_score]
        found = found[~_meets_its_like(found, objects, self.settings.overlap)]
        best = suppress_by_class(found.xyxy, found.class_id, found.score, self.settings.overlap)
        found = found[best[: self.settings.candidates]]
        return replace(found, score=np.minimum(found.score, self.settings.alternatives).astype(np.float32))

    def _best(self, xyxy: np.ndarray, objectness: np.ndarray, named: np.ndarray, score: np.ndarray) -> Found:
        """Of overlapping boxes the one with the highest score."""
        keep = non_maximum_suppression(xyxy, score, self.settings.overlap)[: self.settings.candidates]
        return xyxy[keep], objectness[keep], named[keep]

    def _look(self, frames: Sequence[Frame]) -> list[Found]:
        """Boxes, objectness and class probabilities at the best locations of each frame."""
        prepared = [preprocess(frame) for frame in frames]
        padded = [_pad(image) for image, _ in prepared]
        found: list[Found] = [None] * len(frames)
        for shape in dict.fromkeys(image.shape for image in padded):
            same = [number for number, image in enumerate(padded) if image.shape == shape]
            outputs = self.network.predict_on_batch(np.stack([padded[number] for number in same])[..., None])
            for number, output in zip(same, outputs, strict=True):
                image, factors = prepared[number]
                found[number] = _inside(*_decode(output), image, factors)
        return found


def _meets_its_like(found: Detections, objects: Detections, overlap: float) -> np.ndarray:
    """``(N,)``: whether an object of its class overlaps each detection."""
    same = found.class_id[:, None] == objects.class_id
    return (same & (iou(found.xyxy, objects.xyxy) > overlap)).any(axis=1)


def _pad(image: np.ndarray) -> np.ndarray:
    """Widened with 0, the level of the fan's mean, so that the network's strides divide it."""
    return np.pad(image, [(0, -side % MULTIPLE) for side in image.shape])


def _inside(
    xyxy: np.ndarray, objectness: np.ndarray, named: np.ndarray, image: np.ndarray, factors: np.ndarray
) -> Found:
    """Boxes cut off at the fan of the prepared frame, in pixels of the frame as stored; none lies outside."""
    xyxy = clip_to_fan(xyxy, image)
    seen = area(xyxy) > 0
    return xyxy[seen] / factors, objectness[seen], named[seen]


def _decode(output: np.ndarray) -> Found:
    """The best locations of ``(rows, cols, 5 + classes)``."""
    rows, cols, channels = output.shape
    y, x = np.divmod(np.arange(rows * cols), cols)
    flat = output.reshape(-1, channels)
    best = np.argsort(-flat[:, 0], kind="stable")[:MAX_LOCATIONS]
    at, flat = np.float32(np.column_stack([x, y])[best] + 0.5), flat[best]
    xyxy = STRIDE * np.concatenate([at - flat[:, 1:3], at + flat[:, 3:5]], axis=1)
    return xyxy, flat[:, 0], flat[:, 5:]
