"""Detections as labels that a person corrects and a network learns from: YOLO, Pascal VOC, Label Studio, CVAT."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from sonar_debris.files import atomic_text
from sonar_debris.survey.exports.images import ExportedFrame, export_frames, frames_with_detections
from sonar_debris.survey.store import SurveyStore


def write_yolo(store: SurveyStore, folder: Path) -> None:
    """Write ``images/``, ``labels/`` and ``data.yaml`` (needs supervision)."""
    write_dataset(_found(store, folder), folder, "yolo")


def write_voc(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``annotations/``, an XML file an image (needs supervision)."""
    write_dataset(_found(store, folder), folder, "voc")


def write_dataset(frames: list[ExportedFrame], folder: Path, name: str) -> None:
    """Write the labels of frames as ``coco`` (labels.json), ``voc`` (annotations/) or ``yolo`` (labels/, data.yaml)."""
    dataset = _dataset(frames)
    if name == "coco":
        dataset.as_coco(annotations_path=str(folder / "labels.json"))
    elif name == "voc":
        dataset.as_pascal_voc(annotations_directory_path=str(folder / "annotations"))
    else:
        dataset.as_yolo(annotations_directory_path=str(folder / "labels"), data_yaml_path=str(folder / "data.yaml"))


def write_label_studio(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``label-studio.json``: tasks with predictions, for a project that serves the folder.

    Reference:
        https://labelstud.io/guide/predictions: boxes in per cent of the image's sides.
    """
    frames = _found(store, folder)
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d={frame.path.relative_to(folder).as_posix()}"},
            "predictions": [{"model_version": "sonar-debris", "result": _regions(frame)}],
        }
        for frame in frames
    ]
    with atomic_text(folder / "label-studio.json") as stream:
        json.dump(tasks, stream, indent=1)


def write_cvat(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``cvat.xml``, in the format *CVAT for images 1.1*."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, frame in enumerate(_found(store, folder)):
        rows, cols = frame.shape
        name = frame.path.relative_to(folder / "images").as_posix()
        image = ET.SubElement(root, "image", id=str(number), name=name, width=str(cols), height=str(rows))
        for box in frame.detections.to_dict("records"):
            corners = {"xtl": box["x"], "ytl": box["y"], "xbr": box["x"] + box["w"], "ybr": box["y"] + box["h"]}
            places = {key: f"{value:.2f}" for key, value in corners.items()}
            ET.SubElement(image, "box", label=box["class"], occluded="0", source="auto", z_order="0", **places)
    ET.indent(root)
    with atomic_text(folder / "cvat.xml") as stream:
        stream.write(ET.tostring(root, "unicode", xml_declaration=True))


def _found(store: SurveyStore, folder: Path) -> list[ExportedFrame]:
    return export_frames(store, folder, frames_with_detections(store))


def _dataset(frames: list[ExportedFrame]):
    import supervision as sv

    classes = sorted({name for frame in frames for name in frame.detections["class"]})
    annotations = {}
    for frame in frames:
        x, y, w, h = frame.detections[[*"xywh"]].to_numpy(np.float32).T
        class_id = np.array([classes.index(name) for name in frame.detections["class"]], int)
        annotations[str(frame.path)] = sv.Detections(np.column_stack([x, y, x + w, y + h]), class_id=class_id)
    return sv.DetectionDataset(classes, list(annotations), annotations)


def _regions(frame: ExportedFrame) -> list[dict]:
    rows, cols = frame.shape
    return [
        {
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": cols,
            "original_height": rows,
            "score": box["score"],
            "value": {
                "x": 100 * box["x"] / cols,
                "y": 100 * box["y"] / rows,
                "width": 100 * box["w"] / cols,
                "height": 100 * box["h"] / rows,
                "rectanglelabels": [box["class"]],
            },
        }
        for box in frame.detections.to_dict("records")
    ]
