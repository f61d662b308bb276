"""Draw whole frames for training: transformed, with pasted objects of other frames, and with the sonar's variations."""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.boxes import area, clip
from sonar_debris.datasets.augmentation import augment_frame, cut_out, random_affine, transform_boxes
from sonar_debris.datasets.training_frames import SIMULATED, TrainingFrame
from sonar_debris.detectors.single_pass.copy_paste import ObjectBank, paste_object

# Rows of the target: the largest number of boxes per frame.
MAX_OBJECTS = 16
# Largest rotation in degrees, natural logarithm of the change of size, and shift as a fraction of the frame's sides.
MAX_ROTATION, MAX_STRETCH, MAX_SHIFT = 8.0, 0.25, 0.08
# An object of which less than this fraction is left inside the frame is dropped from the targets.
MIN_VISIBLE = 0.4
# Largest number of objects that are pasted into a frame.
MAX_PASTED = 3
# Share of simulated frames among the samples, if there are any.
SIMULATED_SHARE = 1 / 4
# A part of an object is cut out with this probability, if both sides of its box have at least this many pixels.
CUT_OUT_PROBABILITY, MIN_CUT_OUT_SIDE = 0.2, 16


def common_shape(frames: Sequence[TrainingFrame], multiple: int) -> tuple[int, int]:
    """Return the rows and columns that hold each of the frames.

    Args:
        frames: one or more frames.
        multiple: both sides are rounded up to a multiple of this.

    Returns:
        Rows and columns.
    """
    rows, cols = np.max([frame.image.shape for frame in frames], axis=0)
    return int(-(-rows // multiple) * multiple), int(-(-cols // multiple) * multiple)


class FrameSampler:
    """Draw frames of one size. The sampling weight of a frame is 1/√(frames in its scene).

    Args:
        frames: the frames to draw from.
        shape: rows and columns of the samples, multiples of the network's ``MULTIPLE``.
        stride: stride of the network's locations: the unit of the boxes in the targets.
        augmented: whether to augment the frames; off for validation.
        pasted_objects: more frames whose objects are pasted into the samples, in addition to those of ``frames``.
    """

    def __init__(
        self,
        frames: Sequence[TrainingFrame],
        shape: tuple[int, int],
        stride: int,
        augmented: bool = True,
        pasted_objects: Sequence[TrainingFrame] = (),
    ):
        self.frames = frames
        self.bank = ObjectBank([*frames, *pasted_objects])
        self.shape = shape
        self.stride = stride
        self.augmented = augmented
        self._cumulative_weight = np.cumsum(_sampling_weights(np.array([frame.scene for frame in frames])))

    def detection(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a sample.

        Returns:
            A frame ``(rows, cols, 1)`` float32; and ``(MAX_OBJECTS, 5)`` float32: its boxes in units of the stride and
            their classes. The class of rows without a box is -1.
        """
        drawn = rng.random() * self._cumulative_weight[-1]
        frame = self.frames[np.searchsorted(self._cumulative_weight, drawn)]
        affine = _random_transform(self.shape, rng) if self.augmented else None
        image, xyxy, class_id = transform_frame(frame, affine, self.shape)
        if self.augmented:
            for _ in range(rng.integers(MAX_PASTED + 1) if len(self.bank) else 0):
                donor, index = self.bank.draw(rng)
                image, xyxy, class_id = paste_object(image, xyxy, class_id, donor, index, rng)
            image = augment_frame(image, rng)
            image = _cut_out_objects(image, xyxy, rng)
        target = np.full((MAX_OBJECTS, 5), -1, np.float32)
        count = min(len(xyxy), MAX_OBJECTS)
        target[:count, :4], target[:count, 4] = xyxy[:count] / self.stride, class_id[:count]
        return image[..., None], target


def transform_frame(
    frame: TrainingFrame, affine: np.ndarray | None, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Apply an affine transform to a frame and its boxes.

    Args:
        frame: the frame.
        affine: ``(2, 3)`` matrix of a rotation, scaling, shift and perhaps mirroring; None for no transform.
        shape: rows and columns of the result.

    Returns:
        The image of this shape, the boxes ``(N, 4)`` of the objects still visible, and their classes ``(N,)``.
    """
    affine = np.eye(2, 3) if affine is None else affine
    image = cv2.warpAffine(frame.image, affine, shape[::-1], flags=cv2.INTER_LINEAR)
    transformed = transform_boxes(frame.xyxy, affine)
    clipped = clip(transformed, shape)
    visible = area(clipped) > MIN_VISIBLE * area(transformed)
    return image, clipped[visible], frame.class_id[visible]


def _sampling_weights(scenes: np.ndarray) -> np.ndarray:
    """Return the weight of each frame from its scene ``(N,)``: neighbouring frames of a scene are near-copies."""
    _, scene_index, scene_size = np.unique(scenes, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(scene_size[scene_index])
    simulated = scenes == SIMULATED
    for group, share in ((simulated, SIMULATED_SHARE), (~simulated, 1 - SIMULATED_SHARE)):
        weight[group] *= share / max(weight[group].sum(), 1e-9)
    return weight


def _random_transform(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    sides = np.array(shape[::-1])
    centre = sides / 2
    goal = centre + rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * sides
    return random_affine(rng, centre, goal, MAX_ROTATION, MAX_STRETCH)


def _cut_out_objects(image: np.ndarray, xyxy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blank a part of a random choice of objects."""
    chosen = xyxy[rng.random(len(xyxy)) < CUT_OUT_PROBABILITY].astype(int)
    for left, top, right, bottom in chosen:
        if min(bottom - top, right - left) >= MIN_CUT_OUT_SIDE:
            image[top:bottom, left:right] = cut_out(image[top:bottom, left:right], rng)
    return image
