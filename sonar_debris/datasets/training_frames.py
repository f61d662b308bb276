"""Labelled frames in memory, normalised, ready to be sampled."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.datasets.scenes import group_scenes
from sonar_debris.detection.preparation import prepare
from sonar_debris.frames import open_frames
from sonar_debris.frames.normalisation import normalise

# In place of a scene's number.
SIMULATED, TURNTABLE = -1, -2


@dataclass(frozen=True)
class TrainingFrame:
    """A normalised frame and its boxes.

    Attributes:
        image: ``(rows, cols)`` float32, as `normalise` gives it.
        xyxy: ``(N, 4)`` float32 boxes in pixels.
        class_id: ``(N,)`` int64.
        proposals: ``(M, 4)`` float32 boxes where an earlier stage of the pipeline saw something; none by default.
        scene: number of the layout that it shows, negative where it was made up.
    """

    image: np.ndarray
    xyxy: np.ndarray
    class_id: np.ndarray
    proposals: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scene: int = 0

    @cached_property
    def brightness(self) -> np.ndarray:
        """``(rows + 1, cols + 1)`` float64 integral image: the sum of echoes above the frame's mean."""
        return cv2.integral(np.maximum(self.image, 0))


def load_training_frames(frames: Sequence[LabelledFrame], simulated: int = 0, seed: int = 0) -> list[TrainingFrame]:
    """Read the labelled frames and add simulated ones.

    Args:
        frames: what to read.
        simulated: number of frames of the project's own simulator to add.
        seed: of the simulator.

    Raises:
        FrameReadError: a frame cannot be read.
    """
    loaded = [_load(frame) for frame in frames]
    if loaded:
        scenes = group_scenes([frame.image for frame in loaded]).tolist()
        loaded = [replace(frame, scene=scene) for frame, scene in zip(loaded, scenes, strict=True)]
    if simulated:
        from sonar_debris.simulator import simulate_frames

        shown = simulate_frames(simulated, seed)
        made_up = (training_frame(np.float32(image) / 255, *truth) for image, *truth in shown)
        loaded += [replace(frame, scene=SIMULATED) for frame in made_up]
    return loaded


def _load(labelled: LabelledFrame) -> TrainingFrame:
    """As detection will see it: a large frame shrunk."""
    image, factors = prepare(next(open_frames(labelled.path)))
    return TrainingFrame(image, labelled.xyxy * factors, labelled.class_id)


def training_frame(image: np.ndarray, xyxy: np.ndarray, class_id: np.ndarray) -> TrainingFrame:
    """Normalise an image ``(rows, cols)``."""
    return TrainingFrame(normalise(image), xyxy, class_id)
