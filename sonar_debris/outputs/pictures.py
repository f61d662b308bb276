"""Draw detections into frames, and write the annotated pictures to a folder."""

import colorsys
from pathlib import Path, PurePath

import cv2
import numpy as np

from sonar_debris.detections import Detections
from sonar_debris.files import UniqueNames, write_png
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.loader import count_frames

# A frame whose shorter side has fewer pixels is enlarged, so that its labels fit and can be read.
MIN_SIDE = 200
# An enlarged frame's longer side does not exceed this.
MAX_SIDE = 2000
FONT, FONT_SCALE, PADDING = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 2
GREY = (190, 190, 190)
BLACK = (0, 0, 0)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Scale an image so that its brightest pixel is white; negative values become black.

    Data of 12 bits in a 16-bit file, or floats of any range, are visible then.

    Args:
        image: ``(rows, cols)`` float32.

    Returns:
        ``(rows, cols)`` uint8; all 0 if no pixel is positive.

    Example:
        >>> to_uint8(np.float32([[-1, 0.05, 0.1]]))
        array([[  0, 127, 255]], dtype=uint8)
    """
    positive = image.clip(min=0)
    # Dividing first makes the brightest pixel exactly 1, hence 255.
    scaled: np.ndarray = positive / (positive.max() or 1.0) * 255
    return scaled.astype(np.uint8)


def draw_detections(image: np.ndarray, detections: Detections) -> np.ndarray:
    """Draw a box and a label (class and score) for each detection, in the colour of its class.

    Alternative labels of an object are left out: they would cover its best label.

    Args:
        image: ``(rows, cols)`` float32, scaled by `to_uint8`.
        detections: boxes in pixels of the image.

    Returns:
        ``(rows * s, cols * s, 3)`` uint8 BGR picture. The factor s is 1, or more if the frame is smaller than
        ``MIN_SIDE`` pixels.
    """
    detections = detections[~detections.alternative]
    scale = _enlargement(image.shape)
    grey = cv2.resize(to_uint8(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    boxes = np.rint(detections.xyxy * scale).astype(int)
    colours = [class_colour(class_id, len(detections.class_names)) for class_id in detections.class_id]
    for (left, top, right, bottom), colour in zip(boxes, colours, strict=True):
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, thickness=1)
    # Labels are drawn after all boxes, so that no line crosses a label, and the best label last, so that it is visible.
    for i in reversed(range(len(detections))):
        _draw_label(picture, f"{detections.names[i]} {detections.score[i]:.2f}", boxes[i], colours[i])
    return picture


def class_colour(class_id: int, class_count: int) -> tuple[int, int, int]:
    """Return the colour of a class: light hues, evenly spaced, that are visible on a dark frame.

    Args:
        class_id: index of the class.
        class_count: number of classes. The last is "unknown", which is grey.

    Returns:
        Blue, green and red, 0 to 255.
    """
    if class_id == class_count - 1:
        return GREY
    red, green, blue = colorsys.hsv_to_rgb(class_id / max(1, class_count - 1), 0.6, 1.0)
    return int(255 * blue), int(255 * green), int(255 * red)


def _enlargement(shape: tuple[int, ...]) -> int:
    """Return the integer factor that brings the shorter side to MIN_SIDE, unless the longer would exceed MAX_SIDE."""
    shorter, longer = sorted(shape)
    return max(1, min(-(-MIN_SIDE // shorter), MAX_SIDE // longer))


def _draw_label(picture: np.ndarray, text: str, box: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draw black text on the class's colour, above the box if there is room, otherwise inside it."""
    (text_width, text_height), descent = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    width, height = text_width + 2 * PADDING, text_height + descent + 2 * PADDING
    left, top = int(box[0]), int(box[1])
    if top >= height:
        top -= height
    left = max(0, min(left, picture.shape[1] - width))
    top = max(0, min(top, picture.shape[0] - height))
    cv2.rectangle(picture, (left, top), (left + width - 1, top + height - 1), colour, thickness=cv2.FILLED)
    baseline = (left + PADDING, top + height - descent - PADDING)
    cv2.putText(picture, text, baseline, FONT, FONT_SCALE, BLACK, 1, cv2.LINE_AA)


class PictureFolder:
    """Write one annotated PNG per frame, each with its own file name inside the folder.

    Args:
        folder: where the pictures are written; created with the first picture.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._names = UniqueNames()

    def add(self, frame: Frame, detections: Detections) -> None:
        """Draw a frame's detections and write the picture.

        Args:
            frame: the frame.
            detections: its detections.

        Raises:
            OSError: the picture cannot be written.
        """
        in_recording = frame.index > 0 or count_frames(frame.source) != 1
        stem = picture_stem(frame.name, frame.index, in_recording)
        path = self.folder / f"{self._names.unique(stem)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, draw_detections(frame.image, detections))


def picture_stem(name: str, index: int, in_recording: bool = False) -> str:
    """Return the file name, without suffix, of a frame's picture.

    Args:
        name: the frame's name. Its folders are kept if the path leads downwards; they are dropped if the path is
            absolute or contains ``..``.
        index: position of the frame in its file.
        in_recording: whether the file has several frames: 0 is left out otherwise. With it, the pictures of a recording
            sort in the order of its frames.

    Returns:
        A relative path without suffix.

    Example:
        >>> picture_stem("dive/07.aris", 12)
        'dive/07-000012'
        >>> picture_stem("dive/07.aris", 0, in_recording=True)
        'dive/07-000000'
    """
    path = PurePath(name)
    if path.is_absolute() or ".." in path.parts:
        path = PurePath(path.name)
    stem = path.with_suffix("")
    return f"{stem}-{index:06d}" if index or in_recording else str(stem)
