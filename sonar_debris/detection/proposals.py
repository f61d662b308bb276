"""Where might objects be? Peaks of the dense objectness over the image pyramid."""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.detection.boxes import non_maximum_suppression
from sonar_debris.detection.pyramid import WINDOW_SHAPES, pyramid_level, window_boxes

# Fewer than this share of the way between no object and object is not worth a second look.
MIN_OBJECTNESS = 0.01


def propose(dense_network, images: Sequence[np.ndarray], step: int, count: int) -> list[np.ndarray]:
    """Propose boxes that may hold objects, of the pyramid's window shapes.

    Args:
        dense_network: a network of `make_dense`.
        images: B normalised frames ``(rows, cols)``, all of one size.
        step: that of the dense network.
        count: how many proposals at most a frame.

    Returns:
        For each frame ``(N, 4)`` boxes, best objectness first; they may reach beyond the frame.
    """
    maps = []
    for shape in WINDOW_SHAPES:
        level = np.stack([pyramid_level(image, shape) for image in images])
        maps.append(np.asarray(dense_network.predict_on_batch(level[..., None]))[..., 0])
    return [pick_boxes(of_frame, step, count) for of_frame in zip(*maps, strict=True)]


def pick_boxes(maps: Sequence[np.ndarray], step: int, count: int) -> np.ndarray:
    """The boxes at the peaks of a frame's objectness maps, without those that a better one covers.

    Args:
        maps: for each of ``WINDOW_SHAPES`` a map ``(rows, cols)`` over the windows of its pyramid level.
        step: windows are ``4 · step`` pixels of the level apart.
        count: how many boxes at most.

    Returns:
        ``(N, 4)`` float32 boxes, best objectness first; they may reach beyond the frame.
    """
    boxes, objectness = [], []
    for shape, level in zip(WINDOW_SHAPES, maps, strict=True):
        peak = _peaks(level)
        boxes.append(window_boxes(level.shape, shape, step)[peak])
        objectness.append(level[peak])
    xyxy = np.concatenate(boxes)
    return xyxy[non_maximum_suppression(xyxy, np.concatenate(objectness), 0.6)[:count]]


def _peaks(objectness: np.ndarray) -> np.ndarray:
    """Mask of the local maxima, over 3×3 neighbours, of a map ``(rows, cols)``."""
    return (objectness >= cv2.dilate(objectness, np.ones((3, 3), np.uint8))) & (objectness > MIN_OBJECTNESS)
