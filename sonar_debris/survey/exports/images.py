"""The frames in which something was found, as PNG images beside their labels."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sonar_debris.files import UniqueNames, write_png
from sonar_debris.frames import open_frames
from sonar_debris.outputs.pictures import picture_stem
from sonar_debris.survey.exports.tables import read_tables
from sonar_debris.survey.store import SurveyStore


@dataclass(frozen=True)
class ExportedFrame:
    """A frame as an image file.

    Attributes:
        path: the image.
        shape: its rows and columns.
        detections: the rows of the table ``detections`` that it shows.
    """

    path: Path
    shape: tuple[int, int]
    detections: pd.DataFrame


# Rows of the table ``detections`` by the file and the position of their frame.
Found = dict[tuple[str, int], pd.DataFrame]
JUDGED = """
SELECT source.name, position FROM judged JOIN source ON source.id = judged.source
GROUP BY judged.source, position HAVING SUM(verdict = 'undecided') = 0 ORDER BY judged.source, position
"""


def frames_with_detections(store: SurveyStore) -> Found:
    """The frames with detections."""
    return _by_frame(read_tables(store)["detections"])


def reviewed_frames(store: SurveyStore) -> Found:
    """The frames of which a person judged every detection; one whose every detection was rejected shows nothing."""
    detections = read_tables(store)["detections"]
    found, nothing = _by_frame(detections), detections.iloc[:0]
    return {key: found.get(key, nothing) for key in store.read(JUDGED)}


def _by_frame(detections: pd.DataFrame) -> Found:
    return dict(list(detections.groupby(["file", "frame"], sort=False)))


def export_frames(store: SurveyStore, folder: Path, found: Found) -> list[ExportedFrame]:
    """Write frames to ``images/``, from the files that the survey was made of.

    Raises:
        FrameReadError: a file is no longer where it was.
    """
    several = dict(store.read("SELECT name, frames > 1 FROM source"))
    exported, names = [], UniqueNames()
    for name in dict.fromkeys(file for file, _ in found):
        for frame in open_frames(name):
            if (name, frame.index) in found:
                stem = picture_stem(name, 0) + (f"-{frame.index:06d}" if several[name] else "")
                path = folder / "images" / f"{names.take(stem)}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, frame.as_bytes())
                exported.append(ExportedFrame(path, frame.image.shape, found[name, frame.index]))
    return exported
