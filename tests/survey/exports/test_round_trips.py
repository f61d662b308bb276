"""What every exporter writes is read back by the library that its users use."""

import csv
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from pycocotools.coco import COCO

pytest.importorskip("supervision", reason="the extra export is not installed")

from supervision import DetectionDataset

from sonar_debris.commands.main import main
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.survey.exports import FORMATS
from sonar_debris.survey.store import SurveyStore
from tests.fakes import FakeDetector, echoes

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 2000, "sample_period": 10, "heading": 30.0}
# 2020-09-13T12:26:40Z, as ARIS files hold it: microseconds.
START = 1_600_000_000_000_000
# Two folders with the same names: a recording of eight frames and two images, of which one is damaged.
FRAMES, IMAGES = 16, 3


@pytest.fixture
def exported(tmp_path, process):
    """A function that exports a survey of two folders with equal names and a damaged frame, and returns the folder."""
    folders = [tmp_path / "dives" / name for name in ("north", "south")]
    for folder, latitude in zip(folders, (48.5, 48.6), strict=True):
        folder.mkdir(parents=True)
        fields = FIELDS | {"latitude": latitude, "longitude": -4.5}
        write_aris(folder / "=a.aris", ((echoes(k), fields | {"frame_time": START + k * 10**5}) for k in range(8)))
        for name in ("ping-0.png", "ping-1.png"):
            cv2.imwrite(str(folder / name), echoes(3))
    (folders[1] / "ping-1.png").write_bytes(b"damaged")
    process(tmp_path / "night", [tmp_path / "dives"], detector=FakeDetector())

    def export(name):
        result = CliRunner().invoke(main, ["survey", "export", str(tmp_path / "night"), "--format", name])
        assert result.exit_code == 0, result.output
        return tmp_path / "night" / "export"

    return export


@pytest.fixture
def stored(exported, tmp_path):
    """The detections as the survey stores them."""
    exported("csv")
    with SurveyStore(tmp_path / "night") as store:
        return store.detections_table()


def boxes(table):
    """Return sorted boxes, for comparison without an order."""
    return sorted(map(tuple, np.round(table, 1).tolist()))


def test_every_format_has_a_round_trip():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert {name.replace("-", "_") for name in FORMATS} <= tested


def test_coco(exported, stored):
    coco = COCO(str(exported("coco") / "detections.coco.json"))

    images = list(coco.imgs.values())
    assert len({image["file_name"] for image in images}) == len(images) == FRAMES + IMAGES
    assert boxes([annotation["bbox"] for annotation in coco.anns.values()]) == boxes(
        stored[["x", "y", "w", "h"]].values
    )
    assert {category["name"] for category in coco.cats.values()} == set(stored["class"])
    assert not {"licenses", "info"} & coco.dataset.keys()
    frame, _ = sorted(
        (image for image in images if "=a-000003" in image["file_name"]), key=lambda image: image["source"]
    )
    assert (frame["source"].endswith("north/=a.aris"), frame["frame_index"]) == (True, 3)
    assert datetime.fromisoformat(frame["date_captured"]) == datetime(2020, 9, 13, 12, 26, 40, 300_000, UTC)
    assert len(coco.dataset["failures"]) == 1


def test_csv(exported, stored):
    folder = exported("csv")

    detections = pd.read_csv(folder / "detections.csv", parse_dates=["time"])
    assert detections["file"].nunique() == 5 and len(detections) == len(stored)
    assert detections["time"].dropna().min() == pd.Timestamp("2020-09-13T12:26:40Z")
    assert boxes(detections[["x", "y", "w", "h"]].values) == boxes(stored[["x", "y", "w", "h"]].values)
    objects = pd.read_csv(folder / "objects.csv", parse_dates=["first_time", "last_time"])
    assert isinstance(objects["first_time"].dtype, pd.DatetimeTZDtype) and "position_scatter_m" in objects
    assert "range_extent_m" in detections and "height_m" not in detections


def test_parquet(exported, stored):
    folder = exported("parquet")

    detections = pd.read_parquet(folder / "detections.parquet")
    assert isinstance(detections["time"].dtype, pd.DatetimeTZDtype)
    assert detections["time"].dropna().max() == pd.Timestamp("2020-09-13T12:26:40.7Z")
    assert boxes(detections[["x", "y", "w", "h"]].values) == boxes(stored[["x", "y", "w", "h"]].values)
    assert isinstance(pd.read_parquet(folder / "objects.parquet")["last_time"].dtype, pd.DatetimeTZDtype)


def test_gpkg(exported):
    import pyogrio

    layer = pyogrio.read_dataframe(exported("gpkg") / "objects.gpkg")

    assert len(layer) > 0 and set(layer.geometry.y.round(1)) == {48.5, 48.6}
    assert isinstance(layer["first_time"].dtype, pd.DatetimeTZDtype)


def test_geojson(exported):
    import pyogrio

    folder = exported("geojson")
    features = json.loads((folder / "objects.geojson").read_text())["features"]

    assert len(pyogrio.read_dataframe(folder / "objects.geojson")) == len(features) > 0
    times = [datetime.fromisoformat(feature["properties"]["first_time"]) for feature in features]
    assert all(time.tzinfo and time.year == 2020 for time in times)


def test_megadetector(exported, stored):
    content = json.loads((exported("megadetector") / "megadetector.json").read_text())

    names = [image["file"] for image in content["images"]]
    assert len(set(names)) == len(names) == FRAMES + IMAGES
    assert sum(len(image["detections"]) for image in content["images"] if "detections" in image) == len(stored)


def test_mot(exported, stored):
    files = list((exported("mot") / "mot").rglob("*.txt"))

    columns = ["frame", "object", "x", "y", "w", "h", "score", "a", "b", "c"]
    tracks = pd.concat(pd.read_csv(file, names=columns) for file in files)
    tracked = stored.dropna(subset="object")
    assert boxes(tracks[["x", "y", "w", "h"]].values) == boxes(tracked[["x", "y", "w", "h"]].values)
    recordings = tracked["file"].str.endswith(".aris")
    assert tracks["frame"].between(1, 8).all() and len(files) == tracked["file"].nunique() and recordings.any()


def check_labels(names, sizes, counts, stored):
    """Compare image names, sizes and numbers of boxes with the survey's frames."""
    assert len(names) == len(set(names)) == stored.groupby(["file", "frame"]).ngroups
    assert set(sizes) <= {echoes(0).shape[:2], *sizes} and sum(counts) == len(stored)


def test_yolo(exported, stored):
    folder = exported("yolo")
    data = yaml.safe_load((folder / "data.yaml").read_text())

    # As ultralytics does: images below path/train, labels at the same place below labels/.
    images = sorted((Path(data["path"]) / data["train"]).rglob("*.png"))
    counts = []
    for image in images:
        label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
        rows = np.loadtxt(label, ndmin=2)
        counts.append(len(rows))
        assert rows.shape[1] == 5 and (rows[:, 1:] >= 0).all() and (rows[:, 1:] <= 1).all()
        assert set(rows[:, 0].astype(int)) <= set(data["names"])
    check_labels(images, [cv2.imread(str(image)).shape[:2] for image in images], counts, stored)
    assert set(data["names"].values()) == set(stored["class"]) and (Path(data["path"]) / data["val"]).is_dir()
    dataset = DetectionDataset.from_yolo(str(folder / "images"), str(folder / "labels"), str(folder / "data.yaml"))
    assert len(dataset) == len(images)


def test_voc(exported, stored):
    folder = exported("voc")
    roots = [ET.parse(path).getroot() for path in sorted((folder / "annotations").rglob("*.xml"))]

    names = [root.findtext("filename") for root in roots]
    sizes = [(int(root.findtext("size/height")), int(root.findtext("size/width"))) for root in roots]
    check_labels(names, sizes, [len(root.findall("object")) for root in roots], stored)
    assert all((folder / "images" / name).is_file() for name in names)
    assert {item.findtext("name") for root in roots for item in root.iter("object")} == set(stored["class"])
    dataset = DetectionDataset.from_pascal_voc(str(folder / "images"), str(folder / "annotations"))
    assert len(dataset) == len(names)


def test_cvat(exported, stored):
    folder = exported("cvat")
    images = ET.parse(folder / "cvat.xml").getroot().findall("image")

    sizes = [(int(image.get("height")), int(image.get("width"))) for image in images]
    check_labels(
        [image.get("name") for image in images], sizes, [len(image.findall("box")) for image in images], stored
    )
    assert all((folder / "images" / image.get("name")).is_file() for image in images)


def test_label_studio(exported, stored):
    folder = exported("label-studio")
    tasks = json.loads((folder / "label-studio.json").read_text())

    names = [task["data"]["image"].partition("?d=")[2] for task in tasks]
    regions = [task["predictions"][0]["result"] for task in tasks]
    sizes = [(region["original_height"], region["original_width"]) for part in regions for region in part]
    check_labels(names, sizes, map(len, regions), stored)
    assert all((folder / name).is_file() for name in names)


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc"])
def test_reviewed_labels_name_images_that_exist(exported, tmp_path, format_name):
    exported("csv")
    with SurveyStore(tmp_path / "night") as store:
        for *key, class_name in store.read("SELECT source, position, rank, class FROM detection"):
            store.decide(tuple(key), "accepted", class_name)

    words = ["survey", "labels", str(tmp_path / "night"), "--format", format_name]
    assert CliRunner().invoke(main, words).exit_code == 0

    folder = tmp_path / "night" / "labels"
    images = {path.relative_to(folder / "images").as_posix() for path in (folder / "images").rglob("*.png")}
    if format_name == "coco":
        coco = COCO(str(folder / "labels.json"))
        assert {image["file_name"] for image in coco.imgs.values()} == images
        assert not {"licenses", "info"} & coco.dataset.keys()
    else:
        suffix, subfolder = {"yolo": (".txt", "labels"), "voc": (".xml", "annotations")}[format_name]
        labels = {path.relative_to(folder / subfolder).as_posix() for path in (folder / subfolder).rglob("*" + suffix)}
        assert {Path(name).with_suffix("").as_posix() for name in labels} == {
            Path(name).with_suffix("").as_posix() for name in images
        }


def test_cells_that_a_spreadsheet_would_run_are_neutralised(exported, tmp_path):
    with (exported("csv") / "detections.csv").open() as stream:
        next(csv.reader(stream))
    with SurveyStore(tmp_path / "night") as store:
        (key,) = store.read("SELECT source, position, rank FROM detection LIMIT 1")
        store.decide(key, "accepted", "=cmd|' /C calc'!A0")

    with (exported("csv") / "detections.csv").open() as stream:
        classes = {row["class"] for row in csv.DictReader(stream)}
    assert "'=cmd|' /C calc'!A0" in classes and not any(name.startswith("=") for name in classes)


@pytest.mark.parametrize("name", FORMATS)
def test_a_renamed_object_is_renamed_in_every_format_and_a_rejected_one_is_gone(exported, tmp_path, name):
    def files():
        paths = [path for path in exported(name).rglob("*") if path.is_file() and path.suffix != ".png"]
        return b"\n".join(path.read_bytes() for path in paths)

    before = files()
    with SurveyStore(tmp_path / "night") as store:
        record = max(store.objects(), key=lambda item: item.frames)
        key = (record.source, record.position, record.rank)
        assert len(store.decide(key, "accepted", "anchor")) >= record.frames == 8
    renamed = files()
    with SurveyStore(tmp_path / "night") as store:
        store.decide(key, "rejected", "anchor")
    rejected = files()

    if name == "mot":  # tracks have no class
        assert rejected.count(b"\n") == before.count(b"\n") - 8
    else:
        assert b"anchor" in renamed and b"anchor" not in before + rejected
