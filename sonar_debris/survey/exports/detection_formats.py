"""Export detections and objects as tables (CSV, Parquet), maps, COCO, MegaDetector batches and MOT tracks.

References:
    COCO: https://cocodataset.org/#format-data
    MegaDetector batch processing output format, version 1.4, which viewers of camera traps read:
    https://github.com/agentmorris/MegaDetector/tree/main/megadetector/api/batch_processing
    Milan et al., MOT16, 2016, arXiv:1603.00831, section 3.3: frame, id, left, top, width, height, confidence, x, y, z.
"""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd

from sonar_debris.files import UniqueNames, atomic_path, atomic_text, spreadsheet_safe
from sonar_debris.frames.frame import FIRST_TIME, iso_time
from sonar_debris.outputs.coco import DECIMALS, coco_annotation, coco_categories, coco_image
from sonar_debris.outputs.pictures import picture_stem
from sonar_debris.survey.rows import StoredFrame
from sonar_debris.survey.store import SurveyStore

# Columns in seconds since the epoch.
TIME_COLUMNS = ("time", "first_time", "last_time")


def write_coco(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.coco.json``, as ``sonar-debris detect`` writes it.

    Args:
        store: the survey.
        folder: the output folder.
    """
    frames = store.frames()
    detections = store.detections_table()
    class_names = sorted(set(detections["class"]))
    image_ids = {(frame.file, frame.position): image_id for image_id, frame in enumerate(frames, start=1)}
    annotations = [
        _annotation(annotation_id, image_ids[row["file"], row["frame"]], class_names.index(row["class"]) + 1, row)
        for annotation_id, row in enumerate(detections.to_dict("records"), start=1)
    ]
    recordings, names = store.recordings(), UniqueNames()
    content = {
        "images": [
            _image(image_ids[frame.file, frame.position], frame, frame.file in recordings, names)
            for frame in frames
            if not frame.failure
        ],
        "categories": coco_categories(class_names),
        "annotations": annotations,
        "failures": [
            *({"file_name": file, "error": failure} for file, failure in store.failed_sources().items()),
            *(
                {"file_name": frame.file, "error": f"frame {frame.position}: {frame.failure}"}
                for frame in frames
                if frame.failure
            ),
        ],
    }
    with atomic_text(folder / "detections.coco.json") as stream:
        json.dump(content, stream, allow_nan=False)


def _image(image_id: int, frame: StoredFrame, in_recording: bool, names: UniqueNames) -> dict[str, Any]:
    """Return a COCO image. A frame of a recording is named as the picture that ``convert`` makes of it."""
    file_name = frame.file
    if in_recording:
        file_name = f"{names.unique(picture_stem(frame.file, frame.position, in_recording))}.png"
    image = coco_image(image_id, file_name, frame.rows or 0, frame.cols or 0, frame.position, frame.time)
    return image | {"source": frame.file} if in_recording else image


def _annotation(annotation_id: int, image_id: int, category_id: int, row: dict[Hashable, Any]) -> dict[str, Any]:
    """Return a COCO annotation with the places that are known."""
    xywh = (row["x"], row["y"], row["w"], row["h"])
    annotation = coco_annotation(annotation_id, image_id, category_id, xywh, row["score"], row["objectness"])
    return annotation | {name: row[name] for name in DECIMALS if pd.notna(row[name])}


def write_megadetector(store: SurveyStore, folder: Path) -> None:
    """Write ``megadetector.json``. Boxes are fractions of the frame's sides; a frame of a recording is ``FILE#INDEX``.

    Args:
        store: the survey.
        folder: the output folder.
    """
    detections = store.detections_table()
    class_names = sorted(set(detections["class"]))
    rows_by_frame = {key: rows.to_dict("records") for key, rows in detections.groupby(["file", "frame"])}
    recordings = store.recordings()
    images = []
    for frame in store.frames():
        image: dict[str, Any] = {"file": f"{frame.file}#{frame.position}" if frame.file in recordings else frame.file}
        if frame.failure:
            image["failure"] = frame.failure
        else:
            rows = rows_by_frame.get((frame.file, frame.position), [])
            image["detections"] = [_megadetector_detection(row, class_names, frame) for row in rows]
        images.append(image)
    content = {
        "info": {"detector": "sonar-debris", "format_version": "1.4"},
        "detection_categories": {str(category["id"]): category["name"] for category in coco_categories(class_names)},
        "images": images,
    }
    with atomic_text(folder / "megadetector.json") as stream:
        json.dump(content, stream, indent=1)


def _megadetector_detection(row: dict[Hashable, Any], class_names: list[str], frame: StoredFrame) -> dict[str, Any]:
    sides = {"x": frame.cols, "y": frame.rows, "w": frame.cols, "h": frame.rows}
    return {
        "category": str(class_names.index(row["class"]) + 1),
        "conf": round(row["score"], 4),
        "bbox": [round(row[name] / side, 5) for name, side in sides.items()],
    }


def write_mot(store: SurveyStore, folder: Path) -> None:
    """Write ``mot/RECORDING.txt``. Frames count from 1; detections that belong to no object are left out.

    A recording whose detections all belong to no object has an empty file, which replaces that of an earlier export.

    Args:
        store: the survey.
        folder: the output folder.
    """
    table, files, names = store.detections_table().dropna(subset="object"), store.source_names(), UniqueNames()
    rows_of_file = table.groupby("file").indices
    for source in dict.fromkeys(source for source, _ in store.frames_with_detections()):
        path = folder / "mot" / f"{names.unique(picture_stem(files[source], 0))}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = table.iloc[rows_of_file.get(files[source], [])]
        with atomic_text(path) as stream:
            stream.writelines(map(_mot_line, rows.to_dict("records")))


def _mot_line(row: dict[Hashable, Any]) -> str:
    box = ",".join(f"{row[name]:.2f}" for name in ("x", "y", "w", "h"))
    return f"{row['frame'] + 1},{row['object']},{box},{row['score']:.4f},-1,-1,-1\n"


def write_csv(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.csv`` and ``objects.csv``; unknown values are empty, times are ISO 8601 in UTC.

    Args:
        store: the survey.
        folder: the output folder.
    """
    for name, table in _tables(store).items():
        texts = _with_time_texts(table)
        for column in texts.select_dtypes(["object", "string"]):
            texts[column] = texts[column].map(spreadsheet_safe, na_action="ignore")
        with atomic_path(folder / f"{name}.csv") as part:
            texts.to_csv(part, index=False, lineterminator="\n")


def write_parquet(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.parquet`` and ``objects.parquet`` (needs pyarrow).

    Args:
        store: the survey.
        folder: the output folder.
    """
    for name, table in _tables(store).items():
        with atomic_path(folder / f"{name}.parquet") as part:
            _with_datetimes(table).to_parquet(part, index=False, engine="pyarrow")


def write_geojson(store: SurveyStore, folder: Path) -> None:
    """Write ``objects.geojson`` (RFC 7946): one point in WGS 84 per object.

    Args:
        store: the survey.
        folder: the output folder.
    """
    located = _located_objects(store)
    columns = _with_time_texts(located).drop(columns=["latitude", "longitude"])
    properties = json.loads(columns.to_json(orient="records"))
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

    located = _with_datetimes(_located_objects(store))
    points = geopandas.points_from_xy(located["longitude"], located["latitude"], crs="EPSG:4326")
    layer = geopandas.GeoDataFrame(located, geometry=points)
    with atomic_path(folder / "objects.gpkg") as part:
        layer.to_file(part, layer="objects", driver="GPKG")


def _tables(store: SurveyStore) -> dict[str, pd.DataFrame]:
    return {"detections": store.detections_table(), "objects": store.objects_table()}


def _located_objects(store: SurveyStore) -> pd.DataFrame:
    return store.objects_table().dropna(subset=["latitude", "longitude"])


def _with_time_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its times as ISO 8601 in UTC; unknown ones are missing."""
    times = {
        name: table[name].astype(float).map(iso_time, na_action="ignore") for name in TIME_COLUMNS if name in table
    }
    return table.assign(**times)


def _with_datetimes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its times as datetimes in UTC; those that the calendar cannot represent are missing."""
    times = {
        name: pd.to_datetime(_absolute(table[name]), unit="s", utc=True, errors="coerce").astype("datetime64[ms, UTC]")
        for name in TIME_COLUMNS
        if name in table
    }
    return table.assign(**times)


def _absolute(times: pd.Series) -> pd.Series:
    """Return times in seconds since the epoch; those that count from the start of a video are missing."""
    seconds = times.astype(float)
    return seconds.where(seconds >= FIRST_TIME)
