"""Fuzz targets for labels, model settings, predictions, sidecars and surveys; `tests/fuzz.py` runs them.

Texts are changed where they hold values, which reaches more code than changes of bytes.
"""

import copy
import json
import re
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.fuzz_frames import mutate

HOSTILE_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31,
    -(2**63), 2**70, 1e-300, 1e308, float("nan"), float("inf"), -0.5, "", "0", "nan",
    "\0", "\ud800", "x" * 1000, "../../x", "can", [], {}, [[]], {"a": 1}, [1, 2, 3, 4], ["a", None], [[1, 2], [3]],
)  # fmt: skip
HOSTILE_TEXTS = (
    "0", "-1", "1e999", "nan", "inf", "99999999999999999999", "", " ", "\t", "null", "~", "[", "{", "&a *a", "*a",
    "!!python/x",    "<x/>", "&amp;", "&lol;", "\0", "\ufeff", "é", "a:b", "- ", "'", '"',
)  # fmt: skip


def change_json(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Replace, remove or repeat random values of a JSON text; at times change its bytes.

    Args:
        data: the text.
        other: another one, of which bytes may be inserted.
        rng: the source of randomness.

    Returns:
        The changed text.
    """
    if rng.random() < 0.2:
        return mutate(data, other, rng)
    content = json.loads(data)
    for _ in range(int(rng.integers(1, 4))):
        parents = [parent for parent in _containers(content) if parent]
        if not parents:
            break
        parent = parents[int(rng.integers(len(parents)))]
        keys = list(parent) if isinstance(parent, dict) else range(len(parent))
        key = keys[int(rng.integers(len(keys)))]
        choice = rng.random()
        if choice < 0.75:
            parent[key] = copy.deepcopy(HOSTILE_VALUES[int(rng.integers(len(HOSTILE_VALUES)))])
        elif choice < 0.9:
            del parent[key]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
    return json.dumps(content).encode()


def _containers(content: Any) -> list[Any]:
    """Return the lists and objects of a JSON value, itself included."""
    if not isinstance(content, dict | list):
        return []
    children = content.values() if isinstance(content, dict) else content
    return [content, *(part for child in children for part in _containers(child))]


def change_text(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Replace, remove or repeat random words of a text; at times change its bytes.

    Args:
        data: the text.
        other: another one, of which bytes may be inserted.
        rng: the source of randomness.

    Returns:
        The changed text.
    """
    if rng.random() < 0.3:
        return mutate(data, other, rng)
    words = re.findall(r"[\w.-]+|\s+|[^\w\s]", data.decode())
    for _ in range(int(rng.integers(1, 5))):
        position = int(rng.integers(len(words)))
        choice = rng.random()
        if choice < 0.6:
            words[position] = HOSTILE_TEXTS[int(rng.integers(len(HOSTILE_TEXTS)))]
        elif choice < 0.8:
            words[position] = ""
        else:
            words[position] *= int(rng.integers(2, 400))
    return "".join(words).encode("utf-8", "surrogatepass")


def _check_refused(path: Path, action: Callable[[], object]) -> None:
    """Run an action; the only error that it may raise is one line for the user."""
    from sonar_debris.errors import SonarDebrisError

    try:
        action()
    except (SonarDebrisError, OSError) as error:
        assert "\n" not in str(error) and str(path.parent) in str(error), str(error)


def _images(folder: Path) -> Path:
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for name in ("a", "b"):
        cv2.imwrite(str(images / f"{name}.png"), np.full((20, 30), 90, np.uint8))
    return images


def coco_seeds() -> list[bytes]:
    """Return COCO labels."""
    images = [{"id": number, "file_name": f"{name}.png", "width": 30, "height": 20} for number, name in enumerate("ab")]
    boxes = [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [1, 2, 5, 6], "area": 30, "iscrowd": 0}]
    polygon = [{"id": 2, "image_id": 1, "category_id": 2, "segmentation": [[1, 1, 9, 1, 9, 9]]}]
    rle = [{"id": 3, "image_id": 1, "category_id": 2, "segmentation": {"size": [20, 30], "counts": [300, 10, 290]}}]
    categories = [{"id": 1, "name": "can"}, {"id": 2, "name": "tire"}]
    return [
        json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()
        for annotations in (boxes, boxes + polygon, boxes + rle)
    ]


def read_coco(folder: Path, data: bytes) -> None:
    """Read COCO labels of two images."""
    from sonar_debris.datasets.labels import read_labels

    path = folder / "labels.json"
    path.write_bytes(data)
    _check_refused(path, lambda: read_labels(_images(folder), path))


def yolo_seeds() -> list[bytes]:
    """Return label files and, after a line of dashes, the file of the class names."""
    labels = "0 0.5 0.5 0.2 0.3\n1 0.25 0.25 0.1 0.1\n"
    yamls = ("names: [can, tire]\nnc: 2\n", "path: .\ntrain: images\nval: images\nnames:\n  0: can\n  1: tire\n")
    return [f"{labels}-----\n{text}".encode() for text in yamls]


def read_yolo(folder: Path, data: bytes) -> None:
    """Read YOLO labels of an image."""
    from sonar_debris.datasets.labels import read_labels

    labels = folder / "yolo"
    labels.mkdir(exist_ok=True)
    text, _, names = data.partition(b"-----\n")
    (labels / "a.txt").write_bytes(text)
    (labels / "data.yaml").write_bytes(names)
    _check_refused(labels / "a.txt", lambda: read_labels(_images(folder), labels))


def voc_seeds() -> list[bytes]:
    """Return Pascal VOC labels."""
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>9</ymax></bndbox>"
    size = "<size><width>30</width><height>20</height><depth>1</depth></size>"
    return [
        f"<annotation><filename>a.png</filename>{size}<object><name>can</name>{box}</object></annotation>".encode(),
        b"<annotation><filename>a.png</filename><object><name>can</name><bndbox><x>2</x><y>3</y><w>9</w><h>5</h></bndbox>"
        b"</object></annotation>",
    ]


def read_voc(folder: Path, data: bytes) -> None:
    """Read Pascal VOC labels of an image."""
    from sonar_debris.datasets.labels import read_labels

    labels = folder / "voc"
    labels.mkdir(exist_ok=True)
    (labels / "a.xml").write_bytes(data)
    _check_refused(labels / "a.xml", lambda: read_labels(_images(folder), labels))


def model_seeds() -> list[bytes]:
    """Return the settings of the shipped models."""
    models = Path(__file__).parents[1] / "models"
    return [path.read_bytes() for path in sorted(models.glob("*/model.json"))]


def read_model(folder: Path, data: bytes) -> None:
    """Read the settings of a model, and use what is read."""
    from sonar_debris.detectors.model_folder import SinglePassSettings, SlidingWindowSettings, read_kind

    path = folder / "model.json"
    path.write_bytes(data)

    def load() -> None:
        kind = read_kind(folder)
        settings_class = {"single-pass": SinglePassSettings, "sliding-window": SlidingWindowSettings}.get(kind)
        if settings_class:
            settings = settings_class.load(path)
            assert np.isfinite(np.interp([0.0, 0.5, 1.0], *settings.calibration)).all()
            assert 0 <= settings.min_score <= 1 and settings.training_data is not None
            settings.save(folder / "saved.json")

    _check_refused(path, load)


def prediction_seeds() -> list[bytes]:
    """Return COCO files of detections."""
    images = [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}]
    detection = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [1.0, 2.0, 3.0, 4.0],
        "score": 0.5,
        "objectness": 0.7,
    }
    content = {"images": images, "annotations": [detection], "categories": [{"id": 1, "name": "can"}]}
    return [json.dumps(content).encode()]


def read_predictions(folder: Path, data: bytes) -> None:
    """Read detections and evaluate them."""
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.evaluation.cross_validation import read_predictions as read
    from sonar_debris.evaluation.detection_metrics import evaluate_detections

    path = folder / "predictions.json"
    path.write_bytes(data)
    frame = LabelledFrame("a", folder / "a.png", np.float32([[1, 2, 4, 6]]), np.array([0]))

    def evaluate() -> None:
        detections, _ = read(path, [frame])
        evaluate_detections([frame], detections, ("can",))

    _check_refused(path, evaluate)


def sidecar_seeds() -> list[bytes]:
    """Return the metadata of an image."""
    geometry = {
        "apex": [15.0, 25.0],
        "metres_per_pixel": 0.1,
        "min_range": 0.5,
        "max_range": 2.0,
        "field_of_view": 30.0,
    }
    navigation = {"heading": 30.0, "latitude": 48.5, "longitude": -4.5, "depth": 2.0}
    entry = {"geometry": geometry, "navigation": navigation, "time": 1.6e9, "sonar": "ARIS 3000", "frequency": 3.0}
    return [json.dumps({"format_version": 1, "files": {"a.png": [entry]}}).encode()]


def read_sidecar(folder: Path, data: bytes) -> None:
    """Read an image with metadata, and place a detection."""
    from sonar_debris.frames import open_frames
    from sonar_debris.outputs.coco import georeference

    path = _images(folder) / "geometry.json"
    path.write_bytes(data)

    def read() -> None:
        for frame in open_frames(path.with_name("a.png")):
            georeference(frame, np.float32([[1, 2, 4, 6]]))

    try:
        _check_refused(path, read)
    finally:
        path.unlink()


def survey_seeds() -> list[bytes]:
    """Return the database of a survey with objects and decisions."""
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
    from sonar_debris.survey.store import SurveyStore

    with tempfile.TemporaryDirectory() as folder:
        with SurveyStore(folder) as store:
            ids = store.add_sources(["dive.aris", "ping.png"])
            with store.transaction():
                for position in range(8):
                    boxes = [
                        DetectionRecord(x, 5.0, 9.0, 8.0, name, 0.8, 0.9, 3.0, 1.0, 0.2, 0.3, 48.5, -4.5)
                        for x, name in ((10.0, "can"), (40.0, "tire"))
                    ]
                    record = FrameRecord(position, 60, 80, 1e9 + position, 0.0, 48.5, -4.5, 2.0, None, boxes)
                    store.add_frame(ids["dive.aris"], record)
                store.add_frame(ids["ping.png"], FrameRecord(0, failure="damaged"))
                for source in ids.values():
                    store.finish_source(source, None)
            settings = {"model": "m", "min_score": 0.3, "version": "1", "classes": ["can", "tire"], "inputs": ["dive"]}
            store.write_settings(settings | {"folder": folder, "frames": [None, None, None]})
            find_objects(store)
            store.decide(DetectionKey(1, 0, 0), "accepted", "hook", whole_object=True)
            find_objects(store)
            store.read("PRAGMA wal_checkpoint(TRUNCATE)")
        return [Path(folder, "survey.sqlite").read_bytes()]


def change_survey(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Change values or tables of a database, or its bytes.

    Args:
        data: the database.
        other: another one, of which bytes may be inserted.
        rng: the source of randomness.

    Returns:
        The changed database.
    """
    if rng.random() < 0.3:
        return mutate(data, other, rng)
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(data)
        file.flush()
        database = sqlite3.connect(file.name, isolation_level=None)
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA foreign_keys = OFF")
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for _ in range(int(rng.integers(1, 4))):
            table = tables[int(rng.integers(len(tables)))]
            try:
                _change_table(database, table, rng)
            except sqlite3.Error:
                continue  # a constraint forbids it, or the table is gone
        database.close()
        return Path(file.name).read_bytes()


def _change_table(database: sqlite3.Connection, table: str, rng: np.random.Generator) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    if not columns:
        return  # the table was dropped
    column = columns[int(rng.integers(len(columns)))]
    choice = rng.random()
    if choice < 0.05:
        database.execute(f"DROP TABLE {table}")
    elif choice < 0.1:
        database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    elif choice < 0.2:
        database.execute(f"DELETE FROM {table}")
    else:
        values = (
            None,
            0,
            -1,
            2**62,
            1e300,
            -0.5,
            "",
            "x",
            "\0",
            "[",
            "null",
            b"",
            b"\xff\0",
            float("inf"),
            1e18,
            "1e9",
        )
        where = "" if choice < 0.6 else " WHERE rowid % 2 = 0" if choice < 0.7 else " WHERE position = 3"
        database.execute(f"UPDATE {table} SET {column} = ?{where}", [values[int(rng.integers(len(values)))]])


def read_survey(folder: Path, data: bytes) -> None:
    """Use a survey as the summary, the exports and the review do; at times write its report."""
    from sonar_debris.survey.exports import export_survey
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.report import write_report
    from sonar_debris.survey.review import create_app
    from sonar_debris.survey.store import open_survey

    path = folder / "survey.sqlite"
    for name in ("survey.sqlite", "survey.sqlite-wal", "survey.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    path.write_bytes(data)

    def summarise() -> None:
        with open_survey(folder) as store:
            find_objects(store)
            store.counts(), store.class_totals(), store.objects(), store.failures(), store.unreviewed_frames()

    def review() -> None:
        client = create_app(folder).test_client()
        response = client.get("/data/review.js")
        assert response.status_code in (200, 503), response.status
        token = re.search('"token": "([^"]+)"', response.text)
        decision = {"detection": 0, "verdict": "rejected", "class": "can", "object": True}
        headers = {"X-Token": token[1] if token else ""}
        assert client.post("/decisions", json=decision, headers=headers).status_code in (200, 400, 403, 503)

    _check_refused(path, summarise)
    for name in ("csv", "coco", "geojson", "mot", "megadetector"):
        _check_refused(path, lambda name=name: export_survey(folder, [name], folder / "export"))
    if data and data[-1] % 16 == len(data) // 4096 % 16:
        _check_refused(path, lambda: write_report(folder))
    _check_refused(path, review)


TARGETS = {
    "coco": (coco_seeds, change_json, read_coco),
    "yolo": (yolo_seeds, change_text, read_yolo),
    "voc": (voc_seeds, change_text, read_voc),
    "model": (model_seeds, change_json, read_model),
    "predictions": (prediction_seeds, change_json, read_predictions),
    "sidecar": (sidecar_seeds, change_json, read_sidecar),
    "survey": (survey_seeds, change_survey, read_survey),
}
