"""Annotated pictures on disk."""

from pathlib import Path, PurePath

from sonar_debris.detection.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.drawing import draw_detections
from sonar_debris.outputs.free_names import FreeNames
from sonar_debris.outputs.png import write_png


class PictureFolder:
    """Writes one PNG a frame; no two frames share a file, and none lies outside the folder.

    Attributes:
        folder: where the pictures go; made with the first of them.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._names = FreeNames()

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
