"""Objects of the turntable, seen from all sides, to be pasted into frames of the water tank."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.datasets.crops import Crop, load_crop, read_crops
from sonar_debris.datasets.training_frames import TURNTABLE, TrainingFrame

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
