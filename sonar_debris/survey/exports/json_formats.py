"""Detections as one COCO file (https://cocodataset.org/#format-data), as ``detect`` writes it.

MERGED:
Detections in the batch format of MegaDetector, which viewers of camera traps read.

Reference:
    MegaDetector batch processing output format, version 1.4,
    https://github.com/agentmorris/MegaDetector/tree/main/megadetector/api/batch_processing
---
Tracks as MOT Challenge text, one file a recording.

Reference:
    Milan et al., MOT16, 2016, arXiv:1603.00831, section 3.3: frame, id, left, top, width, height, confidence, x, y, z.
"""

import json
from pathlib import Path

from sonar_debris.files import UniqueNames, atomic_text
from sonar_debris.outputs.pictures import picture_stem
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


def write_mot(store: SurveyStore, folder: Path) -> None:
    """Write ``mot/RECORDING.txt``; frames count from 1, and detections that belong to no object are left out."""
    tracked = read_tables(store)["detections"].dropna(subset="object")
    names = UniqueNames()
    for name, rows in tracked.groupby("file", sort=False):
        path = folder / "mot" / f"{names.take(picture_stem(name, 0))}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{row.frame + 1},{row.object},{row.x:.2f},{row.y:.2f},{row.w:.2f},{row.h:.2f},{row.score:.4f},-1,-1,-1\n"
            for row in rows.itertuples()
        ]
        path.write_text("".join(lines))
