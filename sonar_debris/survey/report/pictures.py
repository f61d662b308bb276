"""The frames in which something was found, as pictures for a browser; the page draws the boxes."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from sonar_debris.frames import Frame, FrameReadError, open_frames
from sonar_debris.survey.store import SurveyStore

QUALITY = 85
SHOWN = "SELECT DISTINCT source, position FROM detection ORDER BY source, position"


def picture_name(source: int, position: int) -> str:
    """Where the picture of a frame lies in the report. Names of files are not used: they may hold anything."""
    return f"frames/{source}/{position:07d}.jpg"


def write_pictures(store: SurveyStore, report: Path, show_done: Callable[[int], None]) -> None:
    """Write a picture of each frame with detections that has none yet; files that are gone stay without."""
    names, done = dict(store.read("SELECT id, name FROM source")), 0
    missing: dict[int, set[int]] = {}
    for source, position in store.read(SHOWN):
        there = (report / picture_name(source, position)).is_file()
        done += there
        if not there:
            missing.setdefault(source, set()).add(position)
    for source, positions in missing.items():
        (report / picture_name(source, 0)).parent.mkdir(parents=True, exist_ok=True)
        try:
            for frame in open_frames(names[source], lambda error: None):
                if frame.index in positions:
                    _write(report / picture_name(source, frame.index), frame)
                    done += 1
                    show_done(done)
        except FrameReadError:
            continue


def _write(path: Path, frame: Frame) -> None:
    """Write the picture so that its brightest echo is white."""
    image = frame.image.clip(min=0)
    _, jpeg = cv2.imencode(".jpg", np.uint8(image * (255 / (image.max() or 1))), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    part = path.with_suffix(".part")
    part.write_bytes(jpeg.tobytes())
    part.replace(path)
