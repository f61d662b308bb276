"""Frames with their detections drawn in.

MERGED:
Annotated pictures on disk.
"""

import colorsys
from pathlib import Path, PurePath

import cv2
import numpy as np

from sonar_debris.detections import Detections
from sonar_debris.files import UniqueNames, write_png
from sonar_debris.frames.frame import Frame

# A frame whose shorter side is less than this is enlarged, so that a label fits and can be read.
MIN_SIDE = 200
MAX_SIDE = 2000
FONT, FONT_SCALE, PADDING = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 2
GREY = (190, 190, 190)
BLACK = (0, 0, 0)


def draw_detections(image: np.ndarray, detections: Detections) -> np.ndarray:
    """Draw a box and a label (name and score) for each detection, in a colour for each class.

    Args:
        image: ``(rows, cols)`` float32; its brightest echo becomes white, so that 12-bit data in 16-bit files
            shows too; negative values are black.
        detections: boxes in pixels of the image.

    Returns:
        ``(rows · s, cols · s, 3)`` uint8 BGR picture; the factor s is 1 unless the frame is smaller than
        ``MIN_SIDE`` pixels.
    """
    scale = _enlargement(image.shape)
    grey = image.clip(min=0)
    grey /= grey.max() or 1.0
    grey = cv2.resize((grey * 255).astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    boxes = np.rint(detections.xyxy * scale).astype(int)
    colours = [class_colour(i, len(detections.class_names)) for i in detections.class_id]
    for (left, top, right, bottom), colour in zip(boxes, colours, strict=True):
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thickness=1)
    # Labels after all boxes and the best last: none is crossed by a line, and the best is never hidden.
    for i in reversed(range(len(detections))):
        _draw_label(picture, f"{detections.names[i]} {detections.score[i]:.2f}", boxes[i], colours[i])
    return picture


def class_colour(class_id: int, classes: int) -> tuple[int, int, int]:
    """Give a class its colour.

    Args:
        class_id: index of the class.
        classes: how many there are; the last is "unknown", and grey.

    Returns:
        BGR, 0 to 255: light hues, evenly spread, that show on a dark frame.
    """
    if class_id == classes - 1:
        return GREY
    red, green, blue = colorsys.hsv_to_rgb(class_id / max(1, classes - 1), 0.6, 1.0)
    return int(255 * blue), int(255 * green), int(255 * red)


def _enlargement(shape: tuple[int, int]) -> int:
    """Whole factor that brings the shorter side to MIN_SIDE, but the longer one not over MAX_SIDE."""
    shorter, longer = sorted(shape)
    return max(1, min(-(-MIN_SIDE // shorter), MAX_SIDE // longer))


def _draw_label(picture: np.ndarray, text: str, box: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Write black text on the class's colour, above the box where there is room, else within it."""
    (width, height), descent = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    width, height = width + 2 * PADDING, height + descent + 2 * PADDING
    left, top, _, _ = box
    top = top - height if top >= height else top
    left = max(0, min(left, picture.shape[1] - width))
    top = max(0, min(top, picture.shape[0] - height))
    cv2.rectangle(picture, (left, top), (left + width - 1, top + height - 1), colour, thickness=cv2.FILLED)
    baseline = (left + PADDING, top + height - descent - PADDING)
    cv2.putText(picture, text, baseline, FONT, FONT_SCALE, BLACK, 1, cv2.LINE_AA)


class PictureFolder:
    """Writes one PNG a frame; no two frames share a file, and none lies outside the folder.

    Attributes:
        folder: where the pictures go; made with the first of them.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._names = UniqueNames()

    def add(self, frame: Frame, detections: Detections) -> None:
        """Draw a frame's detections and write the picture.

        Raises:
            OSError: it cannot be written.
        """
        path = self.folder / f"{self._names.take(picture_stem(frame.name, frame.index))}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, draw_detections(frame.image, detections))


def picture_stem(name: str, index: int) -> str:
    """Name a frame's picture after the frame.

    Args:
        name: the frame's name; its folders are kept when they lead downwards, and dropped when they lead
            elsewhere (an absolute path, or one with ``..``).
        index: position in a recording; 0 is left out.

    Returns:
        A relative path without suffix.
    """
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:
        path = PurePath(path.name)
    stem = path.with_suffix("")
    return f"{stem}-{index:06d}" if index else str(stem)
