"""Detections as one COCO file (https://cocodataset.org/#format-data), as ``detect`` writes it."""

import json
from pathlib import Path

from sonar_debris.outputs.atomic import atomic_text
from sonar_debris.survey.exports.tables import read_tables
from sonar_debris.survey.store import SurveyStore

FRAMES = """
SELECT source.name, position, cols, rows, frame.failure FROM frame JOIN source ON source.id = frame.source
ORDER BY frame.source, position
"""
PLACES = ["range_m", "bearing_deg", "width_m", "height_m", "latitude", "longitude"]


def write_coco(store: SurveyStore, folder: Path) -> None:
    """Write ``detections.coco.json``."""
    frames = store.read(FRAMES)
    detections = read_tables(store)["detections"]
    classes = sorted(set(detections["class"]))
    ids = {(name, position): number for number, (name, position, *_) in enumerate(frames, start=1)}
    annotations = [
        _annotation(number, ids[row["file"], row["frame"]], classes.index(row["class"]) + 1, row)
        for number, row in enumerate(detections.to_dict("records"), start=1)
    ]
    failures = store.read("SELECT name, failure FROM source WHERE failure IS NOT NULL ORDER BY id")
    content = {
        "images": [
            {"id": ids[name, position], "file_name": name, "width": cols, "height": rows, "frame_index": position}
            for name, position, cols, rows, failure in frames
            if failure is None
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
        "annotations": annotations,
        "failures": [{"file_name": name, "error": failure} for name, failure in failures]
        + [{"file_name": name, "error": f"frame {at}: {failure}"} for name, at, *_, failure in frames if failure],
    }
    with atomic_text(folder / "detections.coco.json") as stream:
        json.dump(content, stream, allow_nan=False)


def _annotation(number: int, image: int, category: int, row: dict) -> dict:
    known = {key: row[key] for key in PLACES if row[key] == row[key] and row[key] is not None}
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [row[key] for key in "xywh"],
        "area": round(row["w"] * row["h"], 3),
        "iscrowd": 0,
        "score": row["score"],
        "objectness": row["objectness"],
        **known,
    }
