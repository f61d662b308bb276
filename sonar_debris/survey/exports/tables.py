"""Detections and objects as tables: CSV and Parquet.

MERGED:
Objects that have a position, for maps: GeoJSON and GeoPackage.
"""

import json
from pathlib import Path

import pandas as pd

from sonar_debris.files import atomic_text
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


def write_geojson(store: SurveyStore, folder: Path) -> None:
    """Write ``objects.geojson`` (RFC 7946): a point an object, in WGS 84."""
    located = _located(store)
    known = json.loads(located.drop(columns=["latitude", "longitude"]).to_json(orient="records"))
    points = located[["longitude", "latitude"]].to_numpy().tolist()
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
        for point, properties in zip(points, known, strict=True)
    ]
    with atomic_text(folder / "objects.geojson") as stream:
        json.dump({"type": "FeatureCollection", "features": features}, stream, indent=1)


def write_geopackage(store: SurveyStore, folder: Path) -> None:
    """Write ``objects.gpkg``, which QGIS opens: the layer ``objects`` of points in WGS 84 (needs geopandas)."""
    import geopandas

    located = _located(store)
    points = geopandas.points_from_xy(located["longitude"], located["latitude"], crs="EPSG:4326")
    geopandas.GeoDataFrame(located, geometry=points).to_file(folder / "objects.gpkg", layer="objects", driver="GPKG")


def _located(store: SurveyStore) -> pd.DataFrame:
    return read_tables(store)["objects"].dropna(subset=["latitude", "longitude"])
