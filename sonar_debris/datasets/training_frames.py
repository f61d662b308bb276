"""Labelled frames in memory, normalised, ready to be sampled.

MERGED:
Objects of the turntable, seen from all sides, to be pasted into frames of the water tank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import Crop, load_crop, read_crops
from sonar_debris.datasets.splits import group_scenes
from sonar_debris.frames import open_frames
from sonar_debris.frames.preprocessing import normalise, preprocess

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
    image, factors = preprocess(next(open_frames(labelled.path)))
    return TrainingFrame(image, labelled.xyxy * factors, labelled.class_id)


def training_frame(image: np.ndarray, xyxy: np.ndarray, class_id: np.ndarray) -> TrainingFrame:
    """Normalise an image ``(rows, cols)``."""
    return TrainingFrame(normalise(image), xyxy, class_id)


COLLECTION = "turntable-cropped"
# Only what looks alike in both: the tank's propeller hangs on a motor, and none of its classes is a bottle of glass.
SAME = {
    "can": "can",
    "drink-carton": "drink-carton",
    "large-tire": "tire",
    "plastic-bottle": "bottle",
    "small-tire": "tire",
    "valve": "valve",
}
# Upright a bottle is another class, known by its shadow.
EXCEPT = ("plastic-bottle", "standing")
# The tank's frames are stored at this share of the crops' resolution.
SCALE = 0.7
# Deviation of the echoes of a frame of the tank (median over frames), by which frames are normalised.
SPREAD = 0.133
# Surroundings are made up by reflection, as pasting fades into them.
MARGIN = 0.2


def read_turntable_objects(root: Path, class_names: Sequence[str]) -> list[TrainingFrame]:
    """Read the turntable's objects of the tank's classes, each as a frame with one box.

    Args:
        root: the folder of the public release.
        class_names: the names that the boxes' classes point into.
    """
    return [_frame(load_crop(crop), crop.class_id) for crop in list_turntable_crops(root, class_names)]


def list_turntable_crops(root: Path, class_names: Sequence[str]) -> list[Crop]:
    """The turntable's crops of the tank's classes, with those classes.

    Args:
        root: the folder of the public release.
        class_names: the names that the classes point into.
    """
    return [
        replace(crop, class_id=class_names.index(SAME[crop.path.parent.name]))
        for crop in read_crops(root, COLLECTION)
        if crop.path.parent.name in SAME and not (crop.path.parent.name == EXCEPT[0] and EXCEPT[1] in crop.name)
    ]


def _frame(crop: np.ndarray, class_id: int) -> TrainingFrame:
    small = cv2.resize(crop, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    rows, cols = small.shape
    y, x = round(MARGIN * rows), round(MARGIN * cols)
    image = cv2.copyMakeBorder((small - small.mean()) / SPREAD, y, y, x, x, cv2.BORDER_REFLECT)
    box = np.array([[x, y, x + cols, y + rows]], np.float32)
    return TrainingFrame(np.float32(image), box, np.array([class_id]), scene=TURNTABLE)
