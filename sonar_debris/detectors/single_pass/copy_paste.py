"""Copy-paste augmentation: paste objects of one frame into another, rare classes as often as common ones.

Each object appears in more surroundings than the recorded layouts have.

Reference:
    Ghiasi et al., Simple Copy-Paste is a Strong Data Augmentation Method, 2021, arXiv:2012.07177.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.boxes import area, clip
from sonar_debris.datasets.augmentation import random_affine, transform_boxes
from sonar_debris.datasets.training_frames import TrainingFrame

# Largest rotation of a pasted object in degrees, and largest natural logarithm of its change of size.
MAX_ROTATION, MAX_STRETCH = 30.0, 0.35
# An object is pasted at about the range that it had: at most this many rows nearer or farther.
MAX_RANGE_SHIFT = 80.0
# Size of the pasted patch relative to the box, and the fraction of it that fades into the surroundings.
PATCH_SCALE, FADE = 1.3, 0.3
# Largest fraction of a box that another box may cover, and the fraction of a box that must be inside the fan.
MAX_COVERED, MIN_INSIDE_FAN = 0.2, 0.98
# Number of random positions that are tried for an object.
TRIES = 4

DonorObject = tuple[TrainingFrame, int]


class ObjectBank:
    """Draw objects evenly by class, within a class evenly by scene, and within a scene evenly by object.

    Args:
        frames: the frames whose objects are drawn.
    """

    def __init__(self, frames: Sequence[TrainingFrame]):
        by_class: dict[int, dict[int, list[DonorObject]]] = {}
        for frame in frames:
            for index, class_id in enumerate(frame.class_id.tolist()):
                by_class.setdefault(class_id, {}).setdefault(frame.scene, []).append((frame, index))
        self._objects = [list(by_class[class_id].values()) for class_id in sorted(by_class)]

    def __len__(self) -> int:
        return sum(len(objects) for scenes in self._objects for objects in scenes)

    def draw(self, rng: np.random.Generator) -> DonorObject:
        """Return a random frame and the index of an object in it."""
        scenes = self._objects[rng.integers(len(self._objects))]
        objects = scenes[rng.integers(len(scenes))]
        return objects[rng.integers(len(objects))]


def paste_object(
    image: np.ndarray,
    xyxy: np.ndarray,
    class_id: np.ndarray,
    donor: TrainingFrame,
    index: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paste an object of ``donor``, rotated, scaled and perhaps mirrored, where it covers no other object.

    Args:
        image: normalised frame ``(rows, cols)`` float32, 0 outside the fan; changed in place.
        xyxy: ``(N, 4)`` its boxes in pixels.
        class_id: ``(N,)`` their classes.
        donor: the frame that the object is taken from.
        index: index of the object in that frame.
        rng: random generator.

    Returns:
        The frame, its boxes and their classes; all unchanged if no place was found, or if the object is cut off by the
        border of the donor's fan.
    """
    if not _is_inside_fan(donor.image, donor.xyxy[index]):
        return image, xyxy, class_id
    source = (donor.xyxy[index, :2] + donor.xyxy[index, 2:]) / 2
    for _ in range(TRIES):
        col = rng.uniform(0, image.shape[1])
        goal = col, _draw_row(source[1], donor.image.shape[0], image.shape[0], rng)
        affine = random_affine(rng, source, goal, MAX_ROTATION, MAX_STRETCH, quarter_turns=True)
        box = transform_boxes(donor.xyxy[index : index + 1], affine)
        if _is_inside_fan(image, box[0]) and _is_free(xyxy, box):
            _blend(image, box[0], donor.image, affine)
            boxes = np.concatenate([xyxy, clip(box, image.shape)])
            return image, boxes, np.append(class_id, donor.class_id[index])
    return image, xyxy, class_id


def _draw_row(row: float, donor_rows: int, rows: int, rng: np.random.Generator) -> float:
    """Return a row near the object's own; any row if the donor is a crop and not a whole frame."""
    if donor_rows < rows / 2:
        return rng.uniform(0, rows)
    return row + rng.uniform(-MAX_RANGE_SHIFT, MAX_RANGE_SHIFT)


def _is_inside_fan(image: np.ndarray, box: np.ndarray) -> bool:
    """Return whether the box is inside the frame and, but for a small part, inside the fan."""
    left, top, right, bottom = np.rint(box).astype(int)
    if min(left, top) < 0 or right > image.shape[1] or bottom > image.shape[0]:
        return False
    part = image[top:bottom, left:right]
    return bool(part.size > 0 and np.count_nonzero(part) >= MIN_INSIDE_FAN * part.size)


def _is_free(xyxy: np.ndarray, box: np.ndarray) -> bool:
    """Return whether the box ``(1, 4)`` covers little of each other box, and is covered little."""
    sides = np.maximum(np.minimum(xyxy[:, 2:], box[:, 2:]) - np.maximum(xyxy[:, :2], box[:, :2]), 0)
    return not (sides.prod(axis=1) > MAX_COVERED * np.minimum(area(xyxy), area(box))).any()


def _blend(image: np.ndarray, box: np.ndarray, donor: np.ndarray, affine: np.ndarray) -> None:
    """Fade the transformed donor into the frame around a box, shifted to the level of the frame's echoes there."""
    rows, cols = image.shape
    centre, half_patch = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * PATCH_SCALE
    left, top = np.maximum(np.floor(centre - half_patch), 0).astype(int)
    right, bottom = np.minimum(np.ceil(centre + half_patch), [cols, rows]).astype(int)
    affine = affine - np.array([[0, 0, left], [0, 0, top]])
    patch = cv2.warpAffine(donor, affine, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    # Distances from the centre, 1 at the border of the patch.
    col_distance = np.abs(np.arange(left, right) + 0.5 - centre[0]) / half_patch[0]
    row_distance = np.abs(np.arange(top, bottom) + 0.5 - centre[1]) / half_patch[1]
    weight = np.clip((1 - np.maximum(col_distance[None], row_distance[:, None])) / FADE, 0, 1)
    background = image[top:bottom, left:right]
    weight = (weight * (patch != 0) * (background != 0)).astype(np.float32)
    rim = (weight > 0) & (weight < 1)
    if rim.any():
        patch = patch + (background[rim].mean() - patch[rim].mean())
    background += weight * (patch - background)
