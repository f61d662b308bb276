import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import cv2
import pytest
from click.testing import CliRunner

pytest.importorskip("supervision", reason="the extra export is not installed")

from sonar_debris.commands.main import main
from sonar_debris.datasets.labels import read_labels
from sonar_debris.survey.exports.labels import reviewed_frames
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore


@pytest.fixture
def night(dive, process, tmp_path):
    """A survey of recordings and images in which every frame shows a can or a tire, and an unknown object."""
    process(tmp_path / "night", [dive])
    return tmp_path / "night"


def export(night, name):
    result = CliRunner().invoke(main, ["survey", "export", str(night), "--format", name])
    assert result.exit_code == 0, result.output
    return night / "export"


def stored_boxes(night, file, frame):
    """Return the boxes ``(N, 4)`` xyxy of a frame, as the survey stores them."""
    with SurveyStore(night) as store:
        detections = store.detections_table()
    rows = detections[detections["file"].str.endswith(file) & (detections["frame"] == frame)]
    xywh = rows[["x", "y", "w", "h"]].to_numpy()
    xywh[:, 2:] += xywh[:, :2]
    return xywh


@pytest.mark.parametrize("name, labels", [("yolo", "labels"), ("voc", "annotations")])
def test_exported_labels_can_be_read_for_training(night, name, labels):
    folder = export(night, name)

    frames, classes = read_labels(folder / "images", folder / labels)

    assert sorted(classes) == ["can", "tire", "unknown"] and len(frames) == 20
    (frame,) = [frame for frame in frames if frame.path.stem == "a-000007"]
    # Pascal VOC holds whole pixels only.
    assert frame.xyxy == pytest.approx(stored_boxes(night, "a.aris", 7).clip(min=0), abs=1.1)
    assert cv2.imread(str(frame.path), cv2.IMREAD_UNCHANGED).ndim == 2


def test_label_studio(night):
    folder = export(night, "label-studio")

    tasks = json.loads((folder / "label-studio.json").read_text())

    assert len(tasks) == 20
    for task in tasks:
        assert (folder / task["data"]["image"].partition("?d=")[2]).is_file()
        (region, *_) = task["predictions"][0]["result"]
        assert region["value"]["rectanglelabels"][0] in ("can", "tire", "unknown")
        assert 0 < region["value"]["width"] < 100


def test_cvat(night):
    folder = export(night, "cvat")

    images = ET.parse(folder / "cvat.xml").getroot().findall("image")

    assert len(images) == 20 and len({image.get("id") for image in images}) == 20
    (image,) = [image for image in images if image.get("name") == "a-000007.png"]
    boxes = [[float(box.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")] for box in image]
    assert boxes == pytest.approx(stored_boxes(night, "a.aris", 7), abs=0.01)


def test_missing_file_is_reported_and_the_others_are_exported(night, dive):
    (dive / "a.aris").unlink()

    result = CliRunner().invoke(main, ["survey", "export", str(night), "--format", "cvat"])

    assert result.exit_code == 0, result.output
    assert "a.aris: no such file any more" in result.stderr and "its frames are not exported" in result.stderr
    names = [image.get("name") for image in ET.parse(night / "export" / "cvat.xml").getroot().findall("image")]
    assert len(names) == 9 and not any(name.startswith("a-") for name in names)


def test_export_works_from_another_folder(dive, process, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process(tmp_path / "night", [dive.name])
    monkeypatch.chdir("/")

    result = CliRunner().invoke(main, ["survey", "export", str(tmp_path / "night"), "--format", "cvat"])

    assert result.exit_code == 0 and "no such file" not in result.stderr, result.output
    assert len(list((tmp_path / "night" / "export" / "images").rglob("*.png"))) == 20


@pytest.mark.parametrize("format_name", ["yolo", "voc", "coco"])
def test_labels_of_a_relative_folder_with_subfolders_can_be_read(dive, process, tmp_path, monkeypatch, format_name):
    (dive / "near").mkdir()
    for file in dive.glob("b-*.png"):
        file.rename(dive / "near" / file.name)
    monkeypatch.chdir(tmp_path)
    process(tmp_path / "night", [dive.name])
    with SurveyStore(tmp_path / "night") as store:
        for *key, class_name in store.read("SELECT source, position, rank, class FROM detection"):
            store.decide(tuple(key), "accepted", "anchor" if class_name == "unknown" else class_name)

    result = CliRunner().invoke(main, ["survey", "labels", str(tmp_path / "night"), "--format", format_name])

    assert result.exit_code == 0, result.output
    labels = {"yolo": "labels", "voc": "annotations", "coco": "labels.json"}[format_name]
    folder = tmp_path / "night" / "labels"
    frames, _ = read_labels(folder / "images", folder / labels)
    assert len(frames) == 20 and sum(len(frame.xyxy) for frame in frames) == 40


def test_frames_with_missed_or_unnamed_objects_are_no_labels(tmp_path):
    box = DetectionRecord(10.0, 20.0, 30.0, 40.0, "can", 0.9, 0.9)
    with SurveyStore(tmp_path) as store:
        source = store.add_sources(["a.aris"])["a.aris"]
        with store.transaction():
            for position in range(12):
                shown = [box] if position not in (4, 5) else [replace(box, x=80.0)]
                store.add_frame(source, FrameRecord(position, 100, 100, detections=shown))
            store.finish_source(source, None)
        find_objects(store)
        for position in range(12):
            store.decide(DetectionKey(source, position, 0), "accepted", "can", whole_object=False)
        store.decide(DetectionKey(source, 9, 0), "accepted", "unknown", whole_object=False)

        assert [position for _, position in reviewed_frames(store)] == [0, 1, 2, 3, 6, 7, 8, 10, 11]
        store.complete_frame(source, 5)
        assert [position for _, position in reviewed_frames(store)] == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
