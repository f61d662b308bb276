"""Objects that have a position, for maps: GeoJSON and GeoPackage."""

import json
from pathlib import Path

import pandas as pd

from sonar_debris.outputs.atomic import atomic_text
from sonar_debris.survey.exports.tables import read_tables
from sonar_debris.survey.store import SurveyStore


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
