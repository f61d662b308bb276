"""Detections and objects as tables: CSV and Parquet."""

from pathlib import Path

import pandas as pd

from sonar_debris.survey.store import SurveyStore

DETECTIONS = """
SELECT source.name AS file, judged.position AS frame, frame.time, x, y, w, h, class, score, objectness,
    range_m, bearing_deg, width_m, height_m, judged.latitude, judged.longitude, sighting.object, verdict
FROM judged JOIN source ON source.id = judged.source JOIN frame USING (source, position)
LEFT JOIN sighting USING (source, position, rank)
WHERE verdict != 'rejected' ORDER BY judged.source, position, rank
"""
OBJECTS = """
SELECT object.id AS object, class, agreement, score, object.frames, source.name AS file, position AS frame,
    first_time, last_time, latitude, longitude, spread_m
FROM object JOIN source ON source.id = object.source ORDER BY object.id
"""


def read_tables(store: SurveyStore) -> dict[str, pd.DataFrame]:
    """The tables ``detections`` and ``objects``, with the names of files in the place of keys.

    Detections that a person rejected are left out; others bear the class that a person gave them.
    """
    detections = store.table(DETECTIONS)
    return {"detections": detections.astype({"object": "Int64"}), "objects": store.table(OBJECTS)}


def write_csv(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.csv`` and ``objects.csv``; what is not known stays empty."""
    for name, table in read_tables(store).items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def write_parquet(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.parquet`` and ``objects.parquet`` (needs pyarrow)."""
    for name, table in read_tables(store).items():
        table.to_parquet(folder / f"{name}.parquet", index=False, engine="pyarrow")
