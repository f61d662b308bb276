"""DebrisDetector: finds and names debris in frames, whichever kind of model does it.

MERGED:
Detection in a batch of frames, of which an odd one must not cost the others.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Self

import numpy as np

from sonar_debris.backend import quiet_backend
from sonar_debris.detections import UNKNOWN, Detections
from sonar_debris.detectors.model_folder import DEFAULT_MODEL, ModelSettings, find_model, model_kind
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import Frame

KINDS = {
    "single-pass": "sonar_debris.detectors.single_pass.detector:SinglePassDetector",
    "sliding-window": "sonar_debris.detectors.sliding_window.detector:SlidingWindowDetector",
}


class DebrisDetector(ABC):
    """Finds and names debris in sonar frames. An object that fits no class well is ``unknown``.

    Attributes:
        settings: numbers that belong to the model.

    Example:
        >>> detector = DebrisDetector.from_pretrained()  # doctest: +SKIP
        >>> detections = detector.detect(frame)  # doctest: +SKIP
    """

    settings: ModelSettings

    @staticmethod
    def from_pretrained(name_or_path: str | Path = DEFAULT_MODEL, min_score: float | None = None) -> "DebrisDetector":
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
        detector = _find_kind(folder / "model.json").load(folder)
        return detector if min_score is None else detector.with_settings(min_score=min_score)

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder.

        Raises:
            SonarDebrisError: a part of it is missing or cannot be read.
        """

    def with_settings(self, **changed) -> Self:
        """The same detector, its networks shared, with other `ModelSettings`."""
        other = copy(self)
        other.settings = replace(self.settings, **changed)
        return other

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
        """The objects in a frame, best score first.

        With a low ``min_score`` their alternatives, too, if the model tells any (`ModelSettings.alternatives`).
        """
        return self.detect_batch([frame])[0]

    @abstractmethod
    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        """The objects in each of several frames, which may differ in size."""

    @abstractmethod
    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of objects of whatever class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], best first.
        """

    def _named(
        self, xyxy: np.ndarray, objectness: np.ndarray, named: np.ndarray, present: np.ndarray | float = 1.0
    ) -> Detections:
        """Boxes with their likeliest names, best score first, those below ``min_score`` left out.

        Args:
            xyxy: ``(N, 4)`` boxes in pixels.
            objectness: ``(N,)`` in [0, 1].
            named: ``(N, classes)`` probabilities of the classes.
            present: ``(N,)`` their sums: the probability that it is an object at all.
        """
        class_id, probability = named.argmax(axis=1), named.max(axis=1, initial=0)
        # Of what is an object at all: background that resembles nothing is not an unknown object.
        unsure = probability < self.settings.min_probability * present
        # A named box is right if it is an object and bears the right name; an unknown one claims no name.
        score = np.interp(objectness * np.where(unsure, present, probability), *self.settings.calibration)
        score = score.astype(np.float32)
        class_id = np.where(unsure, len(self.settings.class_names), class_id)
        order = np.argsort(-score, kind="stable")
        order = order[score[order] >= self.settings.min_score]
        return Detections(xyxy, score, class_id, objectness, self.class_names)[order]


def _find_kind(path: Path) -> type[DebrisDetector]:
    kind = model_kind(path)
    if kind not in KINDS:
        raise SonarDebrisError(f"{path}: kind {kind!r} is not one of {', '.join(KINDS)}")
    module, name = KINDS[kind].split(":")
    with quiet_backend():  # its networks import keras
        return getattr(import_module(module), name)


def detect_isolating_failures(detector: DebrisDetector, frames: Sequence[Frame]) -> list[Detections | Exception]:
    """What is found in each frame, or what the detector stumbled over in it."""
    try:
        return list(detector.detect_batch(frames))
    except Exception as error:  # whatever it is, it is told with its frame
        if len(frames) == 1:
            return [error]
        return [found for frame in frames for found in detect_isolating_failures(detector, [frame])]
