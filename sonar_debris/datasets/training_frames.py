"""Normalised frames with boxes, in memory: labelled frames, simulated frames and objects of the turntable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import Crop, load_crop, read_crops
from sonar_debris.datasets.splits import group_scenes
from sonar_debris.frames.conditions import SonarConditions
from sonar_debris.frames.pixels import normalise, preprocess

# Scene numbers of frames that do not show a scene of the data.
SIMULATED, TURNTABLE = -1, -2

COLLECTION = "turntable-cropped"
# Turntable objects that look like a class of the water tank. The tank's propeller hangs on a motor, and the tank has no
# glass bottle.
TANK_CLASSES = {
    "can": "can",
    "drink-carton": "drink-carton",
    "large-tire": "tire",
    "plastic-bottle": "bottle",
    "small-tire": "tire",
    "valve": "valve",
}
# An upright bottle belongs to another class, which is recognised by its shadow.
EXCLUDED_OBJECT, EXCLUDED_POSE = "plastic-bottle", "standing"
# Resolution of the tank's frames as a fraction of the crops' resolution.
SCALE = 0.7
# Standard deviation of the echoes in a frame of the tank (median over frames), by which frames are normalised.
ECHO_DEVIATION = 0.133
# Width of the border of reflected pixels around an object, as a fraction of its side; pasted objects fade out in it.
BORDER = 0.2


@dataclass(frozen=True)
class TrainingFrame:
    """A normalised frame and its boxes.

    Attributes:
        image: ``(rows, cols)`` float32, as `normalise` returns it.
        xyxy: ``(N, 4)`` float32 boxes in pixels.
        class_id: ``(N,)`` int64 class indices.
        proposals: ``(M, 4)`` float32 proposals of an earlier stage of the pipeline; none by default.
        scene: number of the scene, or `SIMULATED` or `TURNTABLE`.
        conditions: sonar and ranges, as far as the file records them.
    """

    image: np.ndarray
    xyxy: np.ndarray
    class_id: np.ndarray
    proposals: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    scene: int = 0
    conditions: SonarConditions = SonarConditions()

    @cached_property
    def brightness(self) -> np.ndarray:
        """``(rows + 1, cols + 1)`` float64 integral image of the echoes above the frame's mean."""
        return cv2.integral(np.maximum(self.image, 0))


def load_training_frames(
    labelled: Sequence[LabelledFrame], simulated: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]] = ()
) -> list[TrainingFrame]:
    """Read labelled frames, group them into scenes, and append simulated frames.

    Args:
        labelled: the labelled frames to read. Large ones are shrunk, as in detection.
        simulated: image ``(rows, cols)`` uint8, boxes ``(N, 4)`` float32 and class indices ``(N,)`` int64 of each
            simulated frame, as `simulate_frames` yields them.

    Returns:
        The labelled frames in the given order, then the simulated ones.

    Raises:
        FrameReadError: a frame cannot be read.
    """
    frames = [_load(frame) for frame in labelled]
    if frames:
        scenes = group_scenes([frame.image for frame in frames]).tolist()
        frames = [replace(frame, scene=scene) for frame, scene in zip(frames, scenes, strict=True)]
    for image, xyxy, class_id in simulated:
        frame = training_frame(image.astype(np.float32) / 255, xyxy, class_id)
        frames.append(replace(frame, scene=SIMULATED))
    return frames


def _load(labelled: LabelledFrame) -> TrainingFrame:
    frame = labelled.load()
    image, factors = preprocess(frame)
    conditions = SonarConditions.of_frame(frame)
    return TrainingFrame(image, labelled.xyxy * factors, labelled.class_id, conditions=conditions)


def training_frame(image: np.ndarray, xyxy: np.ndarray, class_id: np.ndarray) -> TrainingFrame:
    """Normalise an image and join it with its boxes.

    Args:
        image: ``(rows, cols)`` float32.
        xyxy: ``(N, 4)`` float32 boxes in pixels.
        class_id: ``(N,)`` int64 class indices.

    Returns:
        The training frame, of scene 0.
    """
    return TrainingFrame(normalise(image), xyxy, class_id)


def read_turntable_objects(root: Path, class_names: Sequence[str]) -> list[TrainingFrame]:
    """Read the turntable's objects of the water tank's classes, to be pasted into frames of the tank.

    Args:
        root: the folder of the public release.
        class_names: the class names that class indices refer to.

    Returns:
        One frame with one box for each crop.
    """
    return [_crop_frame(load_crop(crop), crop.class_id) for crop in list_turntable_crops(root, class_names)]


def list_turntable_crops(root: Path, class_names: Sequence[str]) -> list[Crop]:
    """List the turntable's crops that look like a class of the water tank, under that class.

    Args:
        root: the folder of the public release.
        class_names: the class names that class indices refer to.

    Returns:
        The crops, sorted by turntable object and name.
    """
    crops = []
    for crop in read_crops(root, COLLECTION):
        object_name = crop.path.parent.name
        excluded = object_name == EXCLUDED_OBJECT and EXCLUDED_POSE in crop.name
        if object_name in TANK_CLASSES and not excluded:
            crops.append(replace(crop, class_id=class_names.index(TANK_CLASSES[object_name])))
    return crops


def _crop_frame(crop: np.ndarray, class_id: int) -> TrainingFrame:
    small = cv2.resize(crop, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    rows, cols = small.shape
    y, x = round(BORDER * rows), round(BORDER * cols)
    image = cv2.copyMakeBorder((small - small.mean()) / ECHO_DEVIATION, y, y, x, x, cv2.BORDER_REFLECT)
    box = np.array([[x, y, x + cols, y + rows]], np.float32)
    return TrainingFrame(image.astype(np.float32), box, np.array([class_id]), scene=TURNTABLE)
