"""DebrisDetector, the interface of all detectors: find and classify debris in frames."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from sonar_debris.backend import quiet_backend
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.detectors.model_folder import DEFAULT_MODEL, ModelSettings, detector_kinds, find_model, read_kind
from sonar_debris.errors import SonarDebrisError, one_line
from sonar_debris.frames.frame import Frame


class DebrisDetector(ABC):
    """A detector of debris in sonar frames. An object that fits no class well is labelled ``unknown``.

    Attributes:
        settings: thresholds and other settings that belong to the model.

    Example:
        >>> detector = DebrisDetector.from_pretrained()  # doctest: +SKIP
        >>> detections = detector.detect(frame)  # doctest: +SKIP
    """

    settings: ModelSettings

    @staticmethod
    def from_pretrained(name_or_path: str | Path = DEFAULT_MODEL, min_score: float | None = None) -> "DebrisDetector":
        """Load a shipped model by its name, or any model by its folder.

        Args:
            name_or_path: a name that ``sonar-debris models list`` prints, or the path of a model folder.
            min_score: lowest score of a detection, in [0, 1], with a class or without; None for the model's own
                thresholds.

        Returns:
            The detector, of the class that belongs to the model's kind.

        Raises:
            SonarDebrisError: there is no such model, or its folder is incomplete or damaged.
            ValueError: ``min_score`` is not in [0, 1].
        """
        if min_score is not None and not 0 <= min_score <= 1:
            raise ValueError(f"min_score must lie in [0, 1]. Received: {min_score}")
        folder = find_model(name_or_path)
        detector_class = _find_class(read_kind(folder))
        try:
            detector = detector_class.load(folder)
        except SonarDebrisError:
            raise
        except Exception as error:  # damaged weights lead the libraries that read them to errors of any type
            raise SonarDebrisError(
                f"{folder}: the model cannot be loaded ({one_line(error)}); copy or train it again"
            ) from error
        if min_score is None:
            return detector
        unknown_min_score = max(min_score, detector.settings.unknown_min_score)
        return detector.with_settings(min_score=min_score, unknown_min_score=unknown_min_score)

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder.

        Raises:
            SonarDebrisError: a file of the folder is missing or cannot be read.
        """

    def with_settings(self, **changes: Any) -> Self:
        """Return a detector with the same networks and with other values of some `ModelSettings`."""
        other = copy(self)
        other.settings = replace(self.settings, **changes)
        return other

    @property
    def name(self) -> str:
        """The model's name."""
        return self.settings.name

    @property
    def min_score(self) -> float:
        """The lowest score of a detection."""
        return self.settings.min_score

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, followed by ``"unknown"``."""
        return (*self.settings.class_names, UNKNOWN)

    def detect(self, frame: Frame) -> Detections:
        """Return the detections in a frame, sorted by score.

        If ``min_score`` is below `ModelSettings.alternative_max_score`, they include alternative labels, which
        `Detections.alternative` marks.
        """
        return self.detect_batch([frame])[0]

    @abstractmethod
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the detections in each of several frames, which may differ in size."""

    @abstractmethod
    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes of objects of any class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], sorted by objectness.
        """

    def reports(self, detections: Detections) -> np.ndarray:
        """Return which detections the thresholds keep, of those that the detector returns with a ``min_score`` of 0.

        It assumes that the class probabilities of a box add up to 1, as those of a single-pass network do.

        Returns:
            ``(N,)`` bool.
        """
        object_score = detections.objectness
        if not self.settings.object_weights:
            object_score = np.interp(object_score, *self.settings.calibration).astype(np.float32)
        is_object = object_score >= self.settings.unknown_min_score
        return np.asarray(((detections.score >= self.settings.min_score) | is_object) & ~detections.alternative)

    def _label(
        self,
        xyxy: np.ndarray,
        objectness: np.ndarray,
        class_probabilities: np.ndarray,
        object_probability: np.ndarray | float = 1.0,
        object_score: np.ndarray | None = None,
    ) -> Detections:
        """Label boxes with their most probable class or as unknown, and leave out those below the thresholds.

        A box is unknown if no class is probable, given that it shows an object; or if its class is not sure enough to
        be reported, but that it shows an object is.

        Args:
            xyxy: ``(N, 4)`` boxes in pixels.
            objectness: ``(N,)`` in [0, 1].
            class_probabilities: ``(N, classes)`` in [0, 1].
            object_probability: ``(N,)`` sums of the class probabilities: the probability that the box shows an object
                and not background.
            object_score: ``(N,)`` probability that the box shows an object of any class, which takes the place of the
                objectness in the result; by default the calibrated objectness, which is then not replaced.

        Returns:
            The detections, sorted by score.
        """
        class_id, probability = class_probabilities.argmax(axis=1), class_probabilities.max(axis=1, initial=0)
        # Relative to the probability of an object: background that resembles no class is not an unknown object.
        is_unknown = probability < self.settings.min_probability * object_probability
        # A detection with a class is right if it is an object of that class; an unknown one if it is any object.
        class_score = np.interp(objectness * probability, *self.settings.calibration).astype(np.float32)
        if object_score is None:
            object_score = np.interp(objectness * object_probability, *self.settings.calibration).astype(np.float32)
        else:
            # What is an object of its class is an object.
            objectness = object_score = np.maximum(object_score, class_score)
        is_object = object_score >= self.settings.unknown_min_score
        is_unknown |= (class_score < self.settings.min_score) & is_object
        score = np.where(is_unknown, object_score, class_score)
        class_id = np.where(is_unknown, len(self.settings.class_names), class_id)
        order = np.argsort(-score, kind="stable")
        order = order[((score >= self.settings.min_score) | (is_unknown & is_object))[order]]
        return Detections(xyxy, score, class_id, objectness, self.class_names)[order]


def _find_class(kind: str) -> type[DebrisDetector]:
    point = detector_kinds()[kind]
    try:
        with quiet_backend():  # the detector's networks import keras
            detector_class = point.load()
    except (ImportError, AttributeError) as error:
        raise SonarDebrisError(
            f"kind {kind!r}: cannot import the detector {point.value} ({one_line(error)})"
        ) from error
    if not (isinstance(detector_class, type) and issubclass(detector_class, DebrisDetector)):
        raise SonarDebrisError(f"kind {kind!r}: {point.value} is not a subclass of DebrisDetector")
    return detector_class


def detect_isolating_failures(detector: DebrisDetector, frames: Sequence[Frame]) -> list[Detections | Exception]:
    """Detect debris in a batch of frames; if that fails, in each frame alone, so that one frame does not stop others.

    Args:
        detector: the detector.
        frames: frames, which may differ in size.

    Returns:
        For each frame its detections, or the exception that detection raised.
    """
    try:
        return list(detector.detect_batch(frames))
    except Exception as error:  # of any type: it is reported with the name of its frame
        if len(frames) == 1:
            return [error]
        return [result for frame in frames for result in detect_isolating_failures(detector, [frame])]
