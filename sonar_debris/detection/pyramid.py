"""The image pyramid: what the 96×96 objectness window means in pixels of the frame.

A level stretches the frame so that a window of one shape in the frame becomes 96×96. Levels of several
aspects, as anchors of a detector have, let one square network propose long and flat boxes.
"""

import cv2
import numpy as np

from sonar_debris.networks.objectness import STRIDE, WINDOW

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
