"""Objects of frames by class and scene, so that rare ones can be drawn as often as common ones.

MERGED:
Paste an object of one frame into another: more surroundings for every object than the layouts recorded.

Reference:
    Ghiasi et al., Simple Copy-Paste is a Strong Data Augmentation Method, 2021, arXiv:2012.07177.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.boxes import area, clip
from sonar_debris.datasets.augmentation import random_affine, transform_boxes
from sonar_debris.datasets.training_frames import TrainingFrame


class ObjectBank:
    """Draws objects, each class as likely as any other, within a class each scene, and within that each object.

    Args:
        frames: whose objects to draw from.
    """

    def __init__(self, frames: Sequence[TrainingFrame]):
        by_class: dict[int, dict[int, list[tuple[TrainingFrame, int]]]] = {}
        for frame in frames:
            for number, class_id in enumerate(frame.class_id.tolist()):
                by_class.setdefault(class_id, {}).setdefault(frame.scene, []).append((frame, number))
        self._objects = [list(by_class[class_id].values()) for class_id in sorted(by_class)]

    def __len__(self) -> int:
        return sum(len(objects) for scenes in self._objects for objects in scenes)

    def draw(self, rng: np.random.Generator) -> tuple[TrainingFrame, int]:
        """A frame and the number of its object."""
        drawn = self._objects
        for _ in ("class", "scene", "object"):
            drawn = drawn[rng.integers(len(drawn))]
        return drawn


MAX_TURN, MAX_STRETCH = 30.0, 0.35
# An object lands at about the range it had: in pixels, at most this much nearer or farther.
MAX_RANGE_SHIFT = 80.0
# How much more than its box is pasted, and the share of that which fades into the surroundings.
MARGIN, FADE = 1.3, 0.3
# Of a box, at most this much may be hidden by another; and the fan must hold this much of it.
MAX_HIDDEN, MIN_INSIDE = 0.2, 0.98
# Places that are tried.
TRIES = 4


def paste_object(
    image: np.ndarray,
    xyxy: np.ndarray,
    class_id: np.ndarray,
    donor: TrainingFrame,
    number: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paste an object of ``donor``, turned, scaled, perhaps mirrored, where it hides no other.

    Args:
        image: normalised frame ``(rows, cols)``, 0 outside the fan; changed in place.
        xyxy: ``(N, 4)`` its boxes.
        class_id: ``(N,)`` their classes.
        donor: the frame that the object is taken from.
        number: of the object in it.
        rng: random generator.

    Returns:
        The frame, its boxes and their classes, as they were where the object found no place.
    """
    if not _inside(donor.image, donor.xyxy[number]):
        return image, xyxy, class_id
    source = (donor.xyxy[number, :2] + donor.xyxy[number, 2:]) / 2
    for _ in range(TRIES):
        goal = rng.uniform(0, image.shape[1]), _draw_row(source[1], donor.image.shape[0], image.shape[0], rng)
        motion = random_affine(rng, source, goal, MAX_TURN, MAX_STRETCH, quarters=True)
        box = transform_boxes(donor.xyxy[number : number + 1], motion)
        if _inside(image, box[0]) and _free(xyxy, box):
            _blend(image, box[0], donor.image, motion)
            return image, np.concatenate([xyxy, clip(box, image.shape)]), np.append(class_id, donor.class_id[number])
    return image, xyxy, class_id


def _draw_row(row: float, source_rows: int, rows: int, rng: np.random.Generator) -> float:
    """About where the object lay; anywhere if the donor is no whole frame."""
    if source_rows < rows / 2:
        return rng.uniform(0, rows)
    return row + rng.uniform(-MAX_RANGE_SHIFT, MAX_RANGE_SHIFT)


def _inside(image: np.ndarray, box: np.ndarray) -> bool:
    """Whether the fan holds the box, which has pixels in the frame."""
    left, top, right, bottom = np.rint(box).astype(int)
    if min(left, top) < 0 or right > image.shape[1] or bottom > image.shape[0]:
        return False
    part = image[top:bottom, left:right]
    return part.size > 0 and np.count_nonzero(part) >= MIN_INSIDE * part.size


def _free(xyxy: np.ndarray, box: np.ndarray) -> bool:
    side = np.maximum(np.minimum(xyxy[:, 2:], box[:, 2:]) - np.maximum(xyxy[:, :2], box[:, :2]), 0)
    return not (side.prod(axis=1) > MAX_HIDDEN * np.minimum(area(xyxy), area(box))).any()


def _blend(image: np.ndarray, box: np.ndarray, donor: np.ndarray, motion: np.ndarray) -> None:
    """Fade the moved donor into the frame around a box, at the level of the echoes that it meets there."""
    rows, cols = image.shape
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * MARGIN
    left, top = np.maximum(np.floor(centre - half), 0).astype(int)
    right, bottom = np.minimum(np.ceil(centre + half), [cols, rows]).astype(int)
    motion = motion - np.array([[0, 0, left], [0, 0, top]])
    patch = cv2.warpAffine(donor, motion, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    away = [
        np.abs(np.arange(low, high) + 0.5 - middle) / reach
        for low, high, middle, reach in zip((left, top), (right, bottom), centre, half, strict=True)
    ]
    weight = np.clip((1 - np.maximum(away[0][None], away[1][:, None])) / FADE, 0, 1)
    below = image[top:bottom, left:right]
    weight = np.float32(weight * (patch != 0) * (below != 0))
    rim = (weight > 0) & (weight < 1)
    if rim.any():
        patch = patch + (below[rim].mean() - patch[rim].mean())
    below += weight * (patch - below)
