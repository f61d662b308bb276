"""A detector and frames for the commands' tests, without networks."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import Frame

NAMES = ("can", "tire", "unknown")


class FakeDetector:
    """Finds one tire in every frame that is not all black, and breaks down on a single pixel."""

    def __init__(self, min_score: float):
        self.class_names, self.name, self.min_score = NAMES, "fake", min_score

    @classmethod
    def from_pretrained(cls, name_or_path: str = "sliding-window", min_score: float | None = None) -> "FakeDetector":
        if name_or_path == "missing":
            raise SonarDebrisError("missing: no such model; known: fake")
        if name_or_path == "damaged":
            raise KeyError("layers")
        return cls(0.5 if min_score is None else min_score)

    def detect(self, frame: Frame) -> Detections:
        return self.detect_batch([frame])[0]

    def detect_batch(self, frames: list[Frame]) -> list[Detections]:
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        if frame.image.size == 1:
            raise ValueError("a frame of\none pixel")
        count = int(frame.image.any() and self.min_score <= 0.75)
        return Detections(
            np.array([[1, 2, 4, 6]] * count, np.float32).reshape(-1, 4),
            np.full(count, 0.75, np.float32),
            np.full(count, 1),
            np.full(count, 0.5, np.float32),
            NAMES,
        )


@pytest.fixture
def fake_detector(monkeypatch) -> None:
    """Put FakeDetector where the commands look for DebrisDetector."""
    monkeypatch.setattr("sonar_debris.detectors.base.DebrisDetector.from_pretrained", FakeDetector.from_pretrained)


@pytest.fixture
def write_frame(tmp_path):
    """A function that writes a grey frame under tmp_path and returns its path."""

    def write(name: str, brightness: int = 100, shape: tuple[int, int] = (12, 10)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full(shape, brightness, np.uint8))
        return path

    return write
