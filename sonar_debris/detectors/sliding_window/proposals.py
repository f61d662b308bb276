"""Propose boxes of objects of any class: dense objectness over an image pyramid, then the box refiner, twice.

A level of the pyramid stretches the frame so that a window of one shape becomes 96×96. Levels of several aspect ratios,
like the anchors of other detectors, let one square network propose long and flat boxes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from sonar_debris.boxes import apply_offsets, centre_and_extent, clip, from_centre_and_extent, non_maximum_suppression
from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.networks import (
    MAX_LOG_SCALE,
    OBJECTNESS_WINDOW,
    REFINER_CONTEXT,
    STRIDE,
    make_dense,
)
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.pixels import preprocess
from sonar_debris.windows import extract_windows

# (width, height) in pixels of the frame. 98 % of all boxes overlap one of these shapes with an IoU of at least 0.4.
WINDOW_SHAPES = ((40, 40), (64, 64), (112, 112), (36, 100), (96, 48), (112, 190), (190, 110))
# Windows extend over the frame's border by this fraction of their side, so that they can fit objects at the border.
OVERHANG = 0.25
# Peaks of lower objectness are not proposed.
MIN_OBJECTNESS = 0.01
# IoU threshold of non-maximum suppression among windows.
WINDOW_NMS_IOU = 0.6
# Least side of a refined box in pixels, so that a crop can be extracted from it.
MIN_SIDE = 2.0
# Proposals are mined in one of three frames: neighbouring frames are near-copies, and so are their proposals.
FRAME_STRIDE = 3
# Step of the dense objectness network and largest number of proposals per frame, in mining.
WINDOW_STEP = 3
MAX_PROPOSALS = 60


def pyramid_level(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Stretch a frame so that a window of a given shape becomes 96×96, and pad it with 0.

    Args:
        image: ``(rows, cols)`` normalised frame of any size.
        shape: (width, height) of the window in pixels of the frame.

    Returns:
        ``(rows', cols')`` float32, each at least 96.
    """
    rows, cols = image.shape
    width, height = shape
    level_cols = max(1, round(cols * OBJECTNESS_WINDOW / width))
    level_rows = max(1, round(rows * OBJECTNESS_WINDOW / height))
    stretched = cv2.resize(image, (level_cols, level_rows), interpolation=cv2.INTER_LINEAR)
    margin = round(OVERHANG * OBJECTNESS_WINDOW)
    # A frame smaller than a window is padded to the size of a window.
    right = max(margin, OBJECTNESS_WINDOW - margin - level_cols)
    bottom = max(margin, OBJECTNESS_WINDOW - margin - level_rows)
    return cv2.copyMakeBorder(stretched, margin, bottom, margin, right, cv2.BORDER_CONSTANT, value=0)


def window_boxes(map_shape: tuple[int, int], shape: tuple[int, int], step: int) -> np.ndarray:
    """Return the boxes of the windows of a dense objectness map.

    Args:
        map_shape: (rows, cols) of the map.
        shape: (width, height) of the level's window in pixels of the frame.
        step: step of the dense network: windows are ``4 · step`` pixels of the level apart.

    Returns:
        ``(rows, cols, 4)`` float32 boxes, xyxy in pixels of the frame.
    """
    extent = np.array(shape, np.float32)
    columns, rows = np.meshgrid(np.arange(map_shape[1]), np.arange(map_shape[0]))
    corner = np.stack([columns, rows], axis=-1) * STRIDE * step / OBJECTNESS_WINDOW - OVERHANG
    return np.concatenate([corner, corner + 1], axis=-1).astype(np.float32) * np.tile(extent, 2)


def propose(dense_network: Any, images: Sequence[np.ndarray], step: int, count: int) -> list[np.ndarray]:
    """Propose boxes of the pyramid's window shapes.

    Args:
        dense_network: a network of `make_dense`.
        images: normalised frames ``(rows, cols)``, all of the same size.
        step: step of the dense network.
        count: largest number of proposals per frame.

    Returns:
        For each frame ``(N, 4)`` boxes, sorted by objectness. They may extend beyond the frame.
    """
    maps_of_levels = []
    for shape in WINDOW_SHAPES:
        level = np.stack([pyramid_level(image, shape) for image in images])
        maps_of_levels.append(np.asarray(dense_network.predict_on_batch(level[..., None]))[..., 0])
    return [select_proposals(maps_of_frame, step, count) for maps_of_frame in zip(*maps_of_levels, strict=True)]


def select_proposals(maps: Sequence[np.ndarray], step: int, count: int) -> np.ndarray:
    """Return the boxes at the peaks of a frame's objectness maps, after non-maximum suppression.

    Args:
        maps: for each of ``WINDOW_SHAPES`` a map ``(rows, cols)`` over the windows of its pyramid level.
        step: windows are ``4 · step`` pixels of the level apart.
        count: largest number of boxes.

    Returns:
        ``(N, 4)`` float32 boxes, sorted by objectness. They may extend beyond the frame.
    """
    boxes, objectness = [], []
    for shape, objectness_map in zip(WINDOW_SHAPES, maps, strict=True):
        peak = _find_peaks(objectness_map)
        rows, cols = objectness_map.shape
        boxes.append(window_boxes((rows, cols), shape, step)[peak])
        objectness.append(objectness_map[peak])
    xyxy = np.concatenate(boxes)
    return xyxy[non_maximum_suppression(xyxy, np.concatenate(objectness), WINDOW_NMS_IOU)[:count]]


def _find_peaks(objectness: np.ndarray) -> np.ndarray:
    """Return the mask of the local maxima of a map ``(rows, cols)`` over 3×3 neighbours."""
    is_maximum = objectness >= cv2.dilate(objectness, np.ones((3, 3), np.uint8))
    return is_maximum & (objectness > MIN_OBJECTNESS)


def refine(
    refiner: Any, images: Sequence[np.ndarray], proposals: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Fit proposals to objects.

    Args:
        refiner: a network of `build_box_refiner`.
        images: normalised frames ``(rows, cols)``.
        proposals: for each frame ``(N, 4)`` boxes.

    Returns:
        For each frame the refined boxes ``(N, 4)``, inside the frame; and for each frame their predicted IoU ``(N,)``
        with an object, in [0, 1].
    """
    size = refiner.input_shape[1]
    crops = np.concatenate([_extract_crops(image, boxes, size) for image, boxes in zip(images, proposals, strict=True)])
    output = refiner.predict(crops, batch_size=64, verbose=0) if len(crops) else np.zeros((0, 5), np.float32)
    outputs = np.split(output, np.cumsum([len(boxes) for boxes in proposals])[:-1])
    refined = [
        _refine_boxes(image, boxes, frame_output[:, :4])
        for image, boxes, frame_output in zip(images, proposals, outputs, strict=True)
    ]
    return refined, [frame_output[:, 4] for frame_output in outputs]


def _extract_crops(image: np.ndarray, proposals: np.ndarray, size: int) -> np.ndarray:
    centre, extent = centre_and_extent(proposals)
    return extract_windows(image, from_centre_and_extent(centre, extent * REFINER_CONTEXT), size)


def _refine_boxes(image: np.ndarray, proposals: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Apply offsets ``(N, 4)`` to boxes, and keep the boxes inside the frame and at least `MIN_SIDE` wide and high."""
    rows, cols = image.shape
    offsets = np.column_stack([offsets[:, :2], np.clip(offsets[:, 2:], -MAX_LOG_SCALE, MAX_LOG_SCALE)])
    centre, extent = centre_and_extent(clip(apply_offsets(proposals, offsets), (rows, cols)))
    extent = np.maximum(extent, MIN_SIDE)
    # Move boxes that were widened at the border inwards. A frame narrower than MIN_SIDE is filled.
    largest_centre = np.array([cols, rows], np.float32) - extent / 2
    centre = np.clip(centre, extent / 2, np.maximum(largest_centre, extent / 2))
    return clip(from_centre_and_extent(centre, extent), (rows, cols))


class ObjectProposer:
    """Propose boxes with the objectness network over an image pyramid, then fit and score them with the box refiner.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        settings: settings of the detector that these networks belong to.
    """

    def __init__(self, objectness: Any, refiner: Any, settings: SlidingWindowSettings):
        self.objectness = make_dense(objectness, settings.step)
        self.refiner = refiner
        self.settings = settings

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes ``(N, 4)``, xyxy in pixels, and their objectness ``(N,)`` in [0, 1], sorted by objectness."""
        image, factors = preprocess(frame)
        ((xyxy, objectness),) = self.propose_batch([image], self.settings.proposals)
        return xyxy / factors, objectness

    def propose_batch(self, images: Sequence[np.ndarray], count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Propose boxes in several frames.

        Args:
            images: normalised frames ``(rows, cols)``, which may differ in size.
            count: largest number of boxes per frame.

        Returns:
            For each frame boxes ``(N, 4)`` in pixels and their objectness ``(N,)``, sorted by objectness.
        """
        boxes, objectness = self._refine_and_suppress(images, self._propose_windows(images), count)
        # The second pass starts from boxes that nearly fit, so it fits and scores them better than the first.
        boxes, objectness = self._refine_and_suppress(images, boxes, count)
        return list(zip(boxes, objectness, strict=True))

    def _refine_and_suppress(
        self, images: Sequence[np.ndarray], proposals: Sequence[np.ndarray], count: int
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        refined, scores = refine(self.refiner, images, proposals)
        kept_boxes, kept_scores = [], []
        for xyxy, score in zip(refined, scores, strict=True):
            keep = non_maximum_suppression(xyxy, score, self.settings.nms_iou)[:count]
            kept_boxes.append(xyxy[keep])
            kept_scores.append(score[keep])
        return kept_boxes, kept_scores

    def _propose_windows(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the windows proposed in each frame; frames of the same size pass the network together."""
        proposals: list[np.ndarray] = [np.zeros((0, 4), np.float32)] * len(images)
        for shape in dict.fromkeys(image.shape for image in images):
            indices = [index for index, image in enumerate(images) if image.shape == shape]
            same_size = [images[index] for index in indices]
            boxes = propose(self.objectness, same_size, self.settings.step, self.settings.proposals)
            for index, frame_boxes in zip(indices, boxes, strict=True):
                proposals[index] = frame_boxes
        return proposals


def mine_proposals(
    objectness: Any, frames: Sequence[TrainingFrame], progress: Callable[[int, int], None] | None = None
) -> list[TrainingFrame]:
    """Add the proposals of the objectness network to one of three frames.

    Args:
        objectness: a trained network of `build_objectness`.
        frames: frames with or without proposals.
        progress: called after each frame with the numbers of frames done and of all frames.

    Returns:
        All frames, in order.
    """
    dense = make_dense(objectness, WINDOW_STEP)
    mined = list(frames)
    indices = range(0, len(frames), FRAME_STRIDE)
    for done, index in enumerate(indices, start=1):
        (proposals,) = propose(dense, [frames[index].image], WINDOW_STEP, MAX_PROPOSALS)
        mined[index] = replace(frames[index], proposals=proposals)
        if progress:
            progress(done, len(indices))
    return mined


def refine_proposals(
    refiner: Any, frames: Sequence[TrainingFrame], progress: Callable[[int, int], None] | None = None
) -> list[TrainingFrame]:
    """Replace the proposals of frames by refined boxes.

    Args:
        refiner: a trained network of `build_box_refiner`.
        frames: frames with or without proposals.
        progress: called after each frame with the numbers of frames done and of all frames.

    Returns:
        The frames, in order.
    """
    refined = []
    for frame in frames:
        (boxes,), _ = refine(refiner, [frame.image], [frame.proposals])
        refined.append(replace(frame, proposals=boxes))
        if progress:
            progress(len(refined), len(frames))
    return refined
