"""Stand-ins for networks, which need no training and no TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import ModelSettings
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import Frame


class FakeDetector(DebrisDetector):
    """Detect one tire in every frame that is not all black; fail on a frame of one pixel.

    Args:
        min_score: lowest score of a detection; that of the tire is 0.75.
        alternative: whether the tire also has the alternative label ``can``.
    """

    def __init__(self, min_score: float = 0.5, alternative: bool = False):
        self.settings = ModelSettings(name="fake", class_names=("can", "tire"), min_score=min_score)
        self.alternative = alternative

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        return [self._detect(frame) for frame in frames]

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        detections = self._detect(frame)
        return detections.xyxy, detections.objectness

    def _detect(self, frame: Frame) -> Detections:
        if frame.image.size == 1:
            raise ValueError("a frame of\none pixel")
        detections = Detections(
            np.array([[1, 2, 4, 6]] * 2, np.float32),
            np.float32([0.75, 0.2]),
            np.array([1, 0]),
            np.float32([0.5, 0.5]),
            self.class_names,
            np.array([False, True]),
        )
        if not frame.image.any() or self.min_score > 0.75:
            return detections[:0]
        return detections if self.alternative else detections[:1]


def load_fake_detector(name_or_path: str, min_score: float | None = None) -> FakeDetector:
    """Stand in for `DebrisDetector.from_pretrained`; ``"missing"`` names a model that does not exist."""
    if name_or_path == "missing":
        raise SonarDebrisError("missing: no such model; known: fake")
    if name_or_path == "alternatives":
        return FakeDetector(alternative=True)
    return FakeDetector() if min_score is None else FakeDetector(min_score)


class BrightSpots(DebrisDetector):
    """Detect the brightest pixel of each frame, and an unknown object in its corner; fail on a saturated frame.

    Class and score depend on the pixel's position and brightness, so that no two frames have the same detections.

    Attributes:
        batches: number of different frames in each batch.
    """

    def __init__(self) -> None:
        self.settings = ModelSettings(name="bright", class_names=("can", "tire"), min_score=0.2)
        self.batches: list[int] = []

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()

    def detect_batch(self, frames: Sequence[Frame]) -> list[Detections]:
        self.batches.append(len(set(map(id, frames))))  # a batch may be padded with copies of its last frame
        return [self._detect(frame.image) for frame in frames]

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        detections = self._detect(frame.image)
        return detections.xyxy, detections.objectness

    def _detect(self, image: np.ndarray) -> Detections:
        if image.max() > 0.99:
            raise RuntimeError("too bright")
        y, x = np.unravel_index(image.argmax(), image.shape)
        boxes = np.float32([[x - 4, y - 3, x + 5, y + 6], [0, 0, 9, 9]])
        scores = np.float32([image.max(), 0.5])
        return Detections(boxes, scores, np.array([int(x) % 2, 2]), scores, self.class_names)


def echoes(number: int, samples: int = 60) -> np.ndarray:
    """Return a scan ``(samples, 48)`` uint8 with one spot whose position and brightness depend on ``number``."""
    scan = np.full((samples, 48), 30, np.uint8)
    scan[(7 * number) % samples, (5 * number) % 48] = 120 + number
    return scan
