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
    found: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in images]
    for shape in WINDOW_SHAPES:
        level = np.stack([pyramid_level(image, shape) for image in images])
        maps = np.asarray(dense_network.predict_on_batch(level[..., None]))[..., 0]
        boxes = window_boxes(maps.shape[1:], shape, step)
        for candidates, objectness in zip(found, maps, strict=True):
            peak = _peaks(objectness)
            candidates.append((boxes[peak], objectness[peak]))
    return [_best(*map(np.concatenate, zip(*candidates, strict=True)), count) for candidates in found]


def _peaks(objectness: np.ndarray) -> np.ndarray:
    """Mask of the local maxima, over 3×3 neighbours, of a map ``(rows, cols)``."""
    return (objectness >= cv2.dilate(objectness, np.ones((3, 3), np.uint8))) & (objectness > MIN_OBJECTNESS)


def _best(xyxy: np.ndarray, objectness: np.ndarray, count: int) -> np.ndarray:
    return xyxy[non_maximum_suppression(xyxy, objectness, 0.6)[:count]]
