"""The image pyramid: what the 96×96 objectness window means in pixels of the frame.

A level stretches the frame so that a window of one shape in the frame becomes 96×96. Levels of several
aspects, as anchors of a detector have, let one square network propose long and flat boxes.

MERGED:
Where might objects be? Peaks of the dense objectness over the image pyramid.
---
From rough proposals to boxes that fit: one pass of the box refiner.
---
ObjectProposer: where objects of whatever class are, by the objectness network and the box refiner.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from sonar_debris.boxes import apply_offsets, centre_and_extent, clip, from_centre_and_extent, non_maximum_suppression
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window.networks import CONTEXT, STRIDE, WINDOW, make_dense
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.preprocessing import preprocess
from sonar_debris.windows import extract_windows

# (width, height) in pixels of the frame; 98 % of all boxes overlap one of them with an IoU of at least 0.4.
WINDOW_SHAPES = ((40, 40), (64, 64), (112, 112), (36, 100), (96, 48), (112, 190), (190, 110))
# Objects at the frame's border are met by windows that hang over it by this share of their side.
OVERHANG = 0.25


def pyramid_level(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The frame stretched so that a window of ``shape`` becomes 96×96, and padded with 0.

    Args:
        image: ``(rows, cols)`` normalised frame, of any size.
        shape: (width, height) of the window in pixels of the frame.

    Returns:
        ``(rows', cols')`` float32, each at least 96.
    """
    rows, cols = image.shape
    width, height = shape
    size = max(1, round(cols * WINDOW / width)), max(1, round(rows * WINDOW / height))
    stretched = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    margin = round(OVERHANG * WINDOW)
    # A frame smaller than a window still has to fill one.
    right, bottom = (max(margin, WINDOW - margin - side) for side in size)
    return cv2.copyMakeBorder(stretched, margin, bottom, margin, right, cv2.BORDER_CONSTANT, value=0)


def window_boxes(map_shape: tuple[int, int], shape: tuple[int, int], step: int) -> np.ndarray:
    """Where the windows of a dense objectness map lie in the frame.

    Args:
        map_shape: (rows, cols) of the map.
        shape: (width, height) of the level's window in pixels of the frame.
        step: that of the dense network: windows are ``4 · step`` pixels of the level apart.

    Returns:
        ``(rows, cols, 4)`` float32 boxes, xyxy in pixels of the frame.
    """
    extent = np.array(shape, np.float32)
    columns, rows = np.meshgrid(np.arange(map_shape[1]), np.arange(map_shape[0]))
    corner = np.stack([columns, rows], axis=-1) * STRIDE * step / WINDOW - OVERHANG
    return np.concatenate([corner, corner + 1], axis=-1).astype(np.float32) * np.tile(extent, 2)


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
    return [select_proposals(of_frame, step, count) for of_frame in zip(*maps, strict=True)]


def select_proposals(maps: Sequence[np.ndarray], step: int, count: int) -> np.ndarray:
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


# Mirrors sonar_debris.detectors.sliding_window.training: the network was never asked for more.
MAX_LOG_STRETCH = 2.0
# Boxes narrower than this, in pixels, cannot be cut out again.
MIN_SIDE = 2.0


def refine(
    refiner, images: Sequence[np.ndarray], proposals: Sequence[np.ndarray], context: float, batch_size: int = 64
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Fit proposals to the objects under them.

    Args:
        refiner: a network of `build_box_refiner`.
        images: B normalised frames ``(rows, cols)``.
        proposals: for each frame ``(N, 4)`` boxes.
        context: how much more than the proposal the network sees.
        batch_size: crops that go through the network at a time.

    Returns:
        For each frame the refined boxes ``(N, 4)``, inside the frame, and the IoU ``(N,)`` in [0, 1] that
        each is expected to have with an object.
    """
    size = refiner.input_shape[1]
    views = [_views(image, boxes, context, size) for image, boxes in zip(images, proposals, strict=True)]
    crops = np.concatenate(views)
    output = refiner.predict(crops, batch_size=batch_size, verbose=0) if len(crops) else np.zeros((0, 5), np.float32)
    parts = np.split(output, np.cumsum([len(boxes) for boxes in proposals])[:-1])
    boxes = [_apply(*each) for each in zip(images, proposals, parts, strict=True)]
    return boxes, [part[:, 4] for part in parts]


def _views(image: np.ndarray, proposals: np.ndarray, context: float, size: int) -> np.ndarray:
    centre, extent = centre_and_extent(proposals)
    return extract_windows(image, from_centre_and_extent(centre, extent * context), size)


def _apply(image: np.ndarray, proposals: np.ndarray, output: np.ndarray) -> np.ndarray:
    offsets = np.column_stack([output[:, :2], np.clip(output[:, 2:4], -MAX_LOG_STRETCH, MAX_LOG_STRETCH)])
    centre, extent = centre_and_extent(clip(apply_offsets(proposals, offsets), image.shape))
    extent = np.maximum(extent, MIN_SIDE)
    # What was widened at the border moves inwards; a frame narrower than that is filled.
    centre = np.clip(centre, extent / 2, np.maximum(np.float32(image.shape[::-1]) - extent / 2, extent / 2))
    return clip(from_centre_and_extent(centre, extent), image.shape)


class ObjectProposer:
    """Dense objectness over an image pyramid proposes boxes; the box refiner fits and judges them, twice.

    Args:
        objectness: a network of `build_objectness`.
        refiner: a network of `build_box_refiner`.
        settings: numbers that belong to these networks.
    """

    def __init__(self, objectness, refiner, settings: SlidingWindowSettings):
        self.objectness = make_dense(objectness, settings.step)
        self.refiner = refiner
        self.settings = settings

    def propose(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of objects of whatever class.

        Returns:
            ``(N, 4)`` xyxy boxes in pixels and their objectness ``(N,)`` in [0, 1], best first.
        """
        image, factors = preprocess(frame)
        ((xyxy, objectness),) = self.find([image], self.settings.proposals)
        return xyxy / factors, objectness

    def find(self, images: Sequence[np.ndarray], count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Refined boxes, at most ``count``, and their objectness, for each normalised frame ``(rows, cols)``."""
        boxes = self._propose(images)
        scores: list[np.ndarray] = []
        # The second pass starts from boxes that nearly fit, and so fits them better and judges them better.
        for _ in range(2):
            boxes, scores = refine(self.refiner, images, boxes, CONTEXT)
            best = [
                non_maximum_suppression(*each, self.settings.overlap)[:count]
                for each in zip(boxes, scores, strict=True)
            ]
            boxes, scores = ([part[keep] for part, keep in zip(parts, best, strict=True)] for parts in (boxes, scores))
        return list(zip(boxes, scores, strict=True))

    def _propose(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Proposals for each frame; frames of one size go through the network together."""
        proposals: list[np.ndarray] = [np.zeros((0, 4), np.float32)] * len(images)
        for shape in dict.fromkeys(image.shape for image in images):
            same = [number for number, image in enumerate(images) if image.shape == shape]
            found = propose(
                self.objectness, [images[number] for number in same], self.settings.step, self.settings.proposals
            )
            for number, boxes in zip(same, found, strict=True):
                proposals[number] = boxes
        return proposals
