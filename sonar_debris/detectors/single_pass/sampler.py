"""Draw whole frames for training: moved, with objects of other frames pasted in, changed as a sonar would."""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.boxes import area, clip
from sonar_debris.datasets.augmentation import augment_frame, cut_out, random_affine, transform_boxes
from sonar_debris.datasets.training_frames import SIMULATED, TrainingFrame
from sonar_debris.detectors.single_pass.copy_paste import ObjectBank, paste_object

# Boxes that one frame can show; each takes a row of the target.
MAX_OBJECTS = 16
MAX_TURN, MAX_STRETCH, MAX_MOVE = 8.0, 0.25, 0.08
# An object of which less than this is left inside the frame is no longer asked for.
MIN_VISIBLE = 0.4
# Objects of other frames that are pasted in, at most.
MAX_PASTED = 3
# Of the draws, so many give a simulated frame, if there are any.
SIMULATED_SHARE = 1 / 4


def common_shape(frames: Sequence[TrainingFrame], multiple: int) -> tuple[int, int]:
    """Rows and columns that hold each of the frames, rounded up to a multiple."""
    rows, cols = np.max([frame.image.shape for frame in frames], axis=0)
    return int(-(-rows // multiple) * multiple), int(-(-cols // multiple) * multiple)


class FrameSampler:
    """Draws frames of one size: a frame is the rarer, by the square root, the more frames show its scene.

    Args:
        frames: what to draw from.
        shape: rows and columns of what is drawn, multiples of the network's ``MULTIPLE``.
        stride: of the network's locations: the unit of the boxes drawn.
        augmented: off for validation.
        objects: what else to paste objects from.
    """

    def __init__(
        self,
        frames: Sequence[TrainingFrame],
        shape: tuple[int, int],
        stride: int,
        augmented: bool = True,
        objects: Sequence[TrainingFrame] = (),
    ):
        self.frames = frames
        self._chance = np.cumsum(_weigh(np.array([frame.scene for frame in frames])))
        self.bank = ObjectBank([*frames, *objects])
        self.shape = shape
        self.stride = stride
        self.augmented = augmented

    def detection(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A frame ``(rows, cols, 1)``, and its boxes ``(MAX_OBJECTS, 5)`` in strides with their classes.

        Rows without a box hold the class -1.
        """
        frame = self.frames[np.searchsorted(self._chance, rng.random() * self._chance[-1])]
        image, xyxy, class_id = move_frame(frame, _draw_motion(self.shape, rng) if self.augmented else None, self.shape)
        if self.augmented:
            for _ in range(rng.integers(MAX_PASTED + 1) if len(self.bank) else 0):
                image, xyxy, class_id = paste_object(image, xyxy, class_id, *self.bank.draw(rng), rng)
            image = augment_frame(image, rng)
            image = _cut_objects(image, xyxy, rng)
        target = np.full((MAX_OBJECTS, 5), -1, np.float32)
        count = min(len(xyxy), MAX_OBJECTS)
        target[:count, :4], target[:count, 4] = xyxy[:count] / self.stride, class_id[:count]
        return image[..., None], target


def move_frame(
    frame: TrainingFrame, motion: np.ndarray | None, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Move a frame and its boxes.

    Args:
        frame: the frame.
        motion: ``(2, 3)`` affine matrix of a turn, a scale, a shift and perhaps a mirroring; None for none.
        shape: rows and columns of the result.

    Returns:
        The frame ``shape``, the boxes ``(N, 4)`` of the objects still visible, and their classes ``(N,)``.
    """
    motion = np.eye(2, 3) if motion is None else motion
    image = cv2.warpAffine(frame.image, motion, shape[::-1], flags=cv2.INTER_LINEAR)
    moved = transform_boxes(frame.xyxy, motion)
    seen = clip(moved, shape)
    visible = area(seen) > MIN_VISIBLE * area(moved)
    return image, seen[visible], frame.class_id[visible]


def _weigh(scenes: np.ndarray) -> np.ndarray:
    """How likely each frame ``(N,)`` is drawn: neighbouring frames of a scene show almost the same."""
    _, scene, size = np.unique(scenes, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(size[scene])
    made_up = scenes == SIMULATED
    for some, share in ((made_up, SIMULATED_SHARE), (~made_up, 1 - SIMULATED_SHARE)):
        weight[some] *= share / max(weight[some].sum(), 1e-9)
    return weight


def _draw_motion(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    centre, sides = np.array(shape[::-1]) / 2, np.array(shape[::-1])
    return random_affine(rng, centre, centre + rng.uniform(-MAX_MOVE, MAX_MOVE, 2) * sides, MAX_TURN, MAX_STRETCH)


def _cut_objects(image: np.ndarray, xyxy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blank a part of some objects."""
    for left, top, right, bottom in xyxy[rng.random(len(xyxy)) < 0.2].astype(int):
        if min(bottom - top, right - left) >= 16:
            image[top:bottom, left:right] = cut_out(image[top:bottom, left:right], rng)
    return image
