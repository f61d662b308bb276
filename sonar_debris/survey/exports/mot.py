"""Tracks as MOT Challenge text, one file a recording.

Reference:
    Milan et al., MOT16, 2016, arXiv:1603.00831, section 3.3: frame, id, left, top, width, height, confidence, x, y, z.
"""

from pathlib import Path

from sonar_debris.outputs.free_names import FreeNames
from sonar_debris.outputs.pictures import picture_stem
from sonar_debris.survey.exports.tables import read_tables
from sonar_debris.survey.store import SurveyStore


def write_mot(store: SurveyStore, folder: Path) -> None:
    """Write ``mot/RECORDING.txt``; frames count from 1, and detections that belong to no object are left out."""
    tracked = read_tables(store)["detections"].dropna(subset="object")
    names = FreeNames()
    for name, rows in tracked.groupby("file", sort=False):
        path = folder / "mot" / f"{names.take(picture_stem(name, 0))}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{row.frame + 1},{row.object},{row.x:.2f},{row.y:.2f},{row.w:.2f},{row.h:.2f},{row.score:.4f},-1,-1,-1\n"
            for row in rows.itertuples()
        ]
        path.write_text("".join(lines))
