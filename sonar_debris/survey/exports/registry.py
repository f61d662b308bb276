"""What a survey can be exported to."""

from collections.abc import Callable
from pathlib import Path

from sonar_debris.survey.exports.json_formats import write_coco, write_megadetector, write_mot
from sonar_debris.survey.exports.labels import write_cvat, write_label_studio, write_voc, write_yolo
from sonar_debris.survey.exports.tables import write_csv, write_geojson, write_geopackage, write_parquet
from sonar_debris.survey.store import SurveyStore

# A function of the survey's store and of the folder that the export is written to.
WRITERS: dict[str, Callable[[SurveyStore, Path], None]] = {
    "coco": write_coco,
    "csv": write_csv,
    "cvat": write_cvat,
    "geojson": write_geojson,
    "gpkg": write_geopackage,
    "label-studio": write_label_studio,
    "megadetector": write_megadetector,
    "mot": write_mot,
    "parquet": write_parquet,
    "voc": write_voc,
    "yolo": write_yolo,
}
# Which modules a format needs that are no part of every install.
NEEDS = {
    "gpkg": ("geopandas", "pyogrio"),
    "parquet": ("pyarrow",),
    "voc": ("supervision",),
    "yolo": ("supervision",),
}
