"""Export detections and objects as CSV and Parquet, and objects with a position as GeoJSON and GeoPackage."""

import json
from pathlib import Path

import pandas as pd

from sonar_debris.files import atomic_text
from sonar_debris.survey.store import SurveyStore


def write_csv(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.csv`` and ``objects.csv``; unknown values are empty.

    Args:
        store: the survey.
        folder: the output folder.
    """
    for name, table in _tables(store).items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def write_parquet(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.parquet`` and ``objects.parquet`` (needs pyarrow).

    Args:
        store: the survey.
        folder: the output folder.
    """
    for name, table in _tables(store).items():
        table.to_parquet(folder / f"{name}.parquet", index=False, engine="pyarrow")


def write_geojson(store: SurveyStore, folder: Path) -> None:
    """Write ``objects.geojson`` (RFC 7946): one point in WGS 84 per object.

    Args:
        store: the survey.
        folder: the output folder.
    """
    located = _located_objects(store)
    properties = json.loads(located.drop(columns=["latitude", "longitude"]).to_json(orient="records"))
    coordinates = located[["longitude", "latitude"]].to_numpy().tolist()
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": point}, "properties": object_properties}
        for point, object_properties in zip(coordinates, properties, strict=True)
    ]
    with atomic_text(folder / "objects.geojson") as stream:
        json.dump({"type": "FeatureCollection", "features": features}, stream, indent=1)


def write_geopackage(store: SurveyStore, folder: Path) -> None:
    """Write ``objects.gpkg``, which QGIS opens: the layer ``objects`` of points in WGS 84 (needs geopandas).

    Args:
        store: the survey.
        folder: the output folder.
    """
    import geopandas

    located = _located_objects(store)
    points = geopandas.points_from_xy(located["longitude"], located["latitude"], crs="EPSG:4326")
    geopandas.GeoDataFrame(located, geometry=points).to_file(folder / "objects.gpkg", layer="objects", driver="GPKG")


def _tables(store: SurveyStore) -> dict[str, pd.DataFrame]:
    return {"detections": store.detections_table(), "objects": store.objects_table()}


def _located_objects(store: SurveyStore) -> pd.DataFrame:
    return store.objects_table().dropna(subset=["latitude", "longitude"])
