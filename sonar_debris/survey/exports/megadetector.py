"""Detections in the batch format of MegaDetector, which viewers of camera traps read.

Reference:
    MegaDetector batch processing output format, version 1.4,
    https://github.com/agentmorris/MegaDetector/tree/main/megadetector/api/batch_processing
"""

import json
from pathlib import Path

from sonar_debris.outputs.atomic import atomic_text
from sonar_debris.survey.exports.coco import FRAMES
from sonar_debris.survey.exports.tables import read_tables
from sonar_debris.survey.store import SurveyStore


def write_megadetector(store: SurveyStore, folder: Path) -> None:
    """Write ``megadetector.json``: boxes as shares of the frame's sides; a frame of a recording is ``FILE#INDEX``."""
    tables = read_tables(store)["detections"]
    classes = sorted(set(tables["class"]))
    found = {key: rows.to_dict("records") for key, rows in tables.groupby(["file", "frame"])}
    several = dict(store.read("SELECT name, frames FROM source"))
    images = []
    for name, position, cols, rows, failure in store.read(FRAMES):
        image = {"file": name if several[name] == 1 else f"{name}#{position}"}
        if failure:
            images.append(image | {"failure": failure})
            continue
        boxes = found.get((name, position), [])
        images.append(image | {"detections": [_detection(box, classes, cols, rows) for box in boxes]})
    content = {
        "info": {"detector": "sonar-debris", "format_version": "1.4"},
        "detection_categories": {str(number): name for number, name in enumerate(classes, start=1)},
        "images": images,
    }
    with atomic_text(folder / "megadetector.json") as stream:
        json.dump(content, stream, indent=1)


def _detection(box: dict, classes: list[str], cols: int, rows: int) -> dict:
    sides = {"x": cols, "y": rows, "w": cols, "h": rows}
    return {
        "category": str(classes.index(box["class"]) + 1),
        "conf": round(box["score"], 4),
        "bbox": [round(box[key] / side, 5) for key, side in sides.items()],
    }
