"""From rough proposals to boxes that fit: one pass of the box refiner."""

from collections.abc import Sequence

import numpy as np

from sonar_debris.detection.boxes import apply_offsets, centre_and_extent, clip, from_centre_and_extent
from sonar_debris.detection.windows import cut_windows

# Mirrors sonar_debris.training.box_loss: the network was never asked for more.
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
    return cut_windows(image, from_centre_and_extent(centre, extent * context), size)


def _apply(image: np.ndarray, proposals: np.ndarray, output: np.ndarray) -> np.ndarray:
    offsets = np.column_stack([output[:, :2], np.clip(output[:, 2:4], -MAX_LOG_STRETCH, MAX_LOG_STRETCH)])
    centre, extent = centre_and_extent(clip(apply_offsets(proposals, offsets), image.shape))
    extent = np.maximum(extent, MIN_SIDE)
    # What was widened at the border moves inwards; a frame narrower than that is filled.
    centre = np.clip(centre, extent / 2, np.maximum(np.float32(image.shape[::-1]) - extent / 2, extent / 2))
    return clip(from_centre_and_extent(centre, extent), image.shape)
