"""Export frames as PNG images with labels: YOLO, Pascal VOC, COCO, Label Studio and CVAT.

A person corrects these labels in an annotation program, or a network is trained on them.
"""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from sonar_debris.boxes import clip
from sonar_debris.detections import UNKNOWN
from sonar_debris.errors import SonarDebrisWarning
from sonar_debris.files import UniqueNames, atomic_text, remove_marked_pngs, write_png
from sonar_debris.frames import Frame, FrameReadError
from sonar_debris.outputs.coco import coco_annotation, coco_categories, coco_image
from sonar_debris.outputs.pictures import picture_stem
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.stored_frames import open_source_frames
from sonar_debris.survey.tracking import MAX_GAP

if TYPE_CHECKING:
    import supervision as sv


@dataclass(frozen=True)
class ExportedFrame:
    """A frame that was written as an image.

    Attributes:
        path: the image.
        shape: its rows and columns.
        detections: the rows of `SurveyStore.detections_table` for this frame.
    """

    path: Path
    shape: tuple[int, int]
    detections: pd.DataFrame


# (file, position of the frame in it) → rows of `SurveyStore.detections_table`.
DetectionsByFrame = dict[tuple[str, int], pd.DataFrame]


def frames_with_detections(store: SurveyStore) -> DetectionsByFrame:
    """Return the frames that show detections which were not rejected."""
    return _group_by_frame(store.detections_table())


def reviewed_frames(store: SurveyStore) -> DetectionsByFrame:
    """Return the frames whose every detection was reviewed; if all were rejected, the frame has no detections.

    A frame is left out if something in it has no label: an object that has no name yet, or one that the detector missed
    there and saw in the frames before and after.
    """
    detections = store.detections_table()
    detections_by_frame = _group_by_frame(detections)
    unnamed = detections.loc[detections["class"] == UNKNOWN, ["file", "frame"]].itertuples(index=False, name=None)
    incomplete = store.frames_between_sightings(MAX_GAP) | set(unnamed)
    reviewed = [key for key in store.reviewed_frames() if key not in incomplete]
    return {key: detections_by_frame.get(key, detections.iloc[:0]) for key in reviewed}


def _group_by_frame(detections: pd.DataFrame) -> DetectionsByFrame:
    groups = detections.groupby(["file", "frame"], sort=False)
    return {(str(rows["file"].iloc[0]), int(rows["frame"].iloc[0])): rows for _, rows in groups}


def export_frames(store: SurveyStore, folder: Path, detections_by_frame: DetectionsByFrame) -> list[ExportedFrame]:
    """Write frames to ``images/``, from the files that the survey processed; those of an earlier export are removed.

    Args:
        store: the survey.
        folder: the output folder.
        detections_by_frame: the frames, with their detections.

    Returns:
        The exported frames.

    Warns:
        SonarDebrisWarning: a file is missing or damaged; its frames, or the damaged ones, are not exported.
    """
    for image in remove_marked_pngs(folder / "images"):  # and the labels of an earlier export
        relative = image.relative_to(folder / "images")
        (folder / "labels" / relative.with_suffix(".txt")).unlink(missing_ok=True)
        (folder / "annotations" / relative.with_suffix(".xml")).unlink(missing_ok=True)
    recordings = store.recordings()
    exported, names = [], UniqueNames()
    for file in dict.fromkeys(file for file, _ in detections_by_frame):
        for frame in _read_source(store, file):
            if (file, frame.index) in detections_by_frame:
                # One folder for all images, as label files are in one folder; in a recording every frame has a number.
                stem = picture_stem(file, 0).replace("/", "-")
                stem += f"-{frame.index:06d}" if file in recordings else ""
                path = folder / "images" / f"{names.unique(stem)}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, frame.as_bytes())
                rows, cols = frame.image.shape
                exported.append(ExportedFrame(path, (rows, cols), detections_by_frame[file, frame.index]))
    return exported


def _read_source(store: SurveyStore, file: str) -> Iterator[Frame]:
    """Yield the frames of a file that can still be read; damaged frames have no detections, and are skipped."""
    try:
        yield from open_source_frames(store, file, on_error=lambda error: None)
    except FrameReadError as error:
        warnings.warn(SonarDebrisWarning(f"{error}; its frames are not exported"), stacklevel=2)


def write_yolo(store: SurveyStore, folder: Path) -> None:
    """Write ``images/``, ``labels/`` and ``data.yaml`` (needs supervision).

    Args:
        store: the survey.
        folder: the output folder.
    """
    write_dataset(_export_frames_with_detections(store, folder), folder, "yolo")


def write_voc(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``annotations/``, one XML file per image (needs supervision).

    Args:
        store: the survey.
        folder: the output folder.
    """
    write_dataset(_export_frames_with_detections(store, folder), folder, "voc")


def write_dataset(frames: list[ExportedFrame], folder: Path, format: str) -> None:
    """Write the labels of exported frames (needs supervision).

    Args:
        frames: the frames.
        folder: the output folder.
        format: ``coco`` (labels.json), ``voc`` (annotations/) or ``yolo`` (labels/, data.yaml).
    """
    dataset = _to_supervision(frames)
    if format == "coco":
        _write_coco(frames, folder, dataset.classes)
    elif format == "voc":
        dataset.as_pascal_voc(annotations_directory_path=str(folder / "annotations"))
    else:
        dataset.as_yolo(annotations_directory_path=str(folder / "labels"))
        _write_data_yaml(folder, dataset.classes)


def _write_coco(frames: list[ExportedFrame], folder: Path, class_names: list[str]) -> None:
    """Write ``labels.json``. Supervision's writer would add a licence and a description that are not the user's."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, frame in enumerate(frames, start=1):
        rows, cols = frame.shape
        images.append(coco_image(image_id, frame.path.relative_to(folder / "images").as_posix(), rows, cols))
        for row, (left, top, right, bottom) in zip(
            frame.detections.to_dict("records"), _clipped_boxes(frame).tolist(), strict=True
        ):
            category_id = class_names.index(row["class"]) + 1
            xywh = (left, top, right - left, bottom - top)
            annotations.append(coco_annotation(len(annotations) + 1, image_id, category_id, xywh))
    content = {"images": images, "categories": coco_categories(class_names), "annotations": annotations}
    with atomic_text(folder / "labels.json") as stream:
        json.dump(content, stream, indent=1, allow_nan=False)


def _clipped_boxes(frame: ExportedFrame) -> np.ndarray:
    """Return ``(N, 4)`` xyxy boxes. A network's boxes may reach beyond the frame; labels may not."""
    x, y, w, h = frame.detections[["x", "y", "w", "h"]].to_numpy(np.float32).T
    return clip(np.column_stack([x, y, x + w, y + h]), frame.shape)


def _write_data_yaml(folder: Path, class_names: list[str]) -> None:
    """Describe a YOLO dataset as Ultralytics expects it. It has no parts: training and validation are the same."""
    import yaml

    content = {"path": str(folder.resolve()), "train": "images", "val": "images", "names": dict(enumerate(class_names))}
    with atomic_text(folder / "data.yaml") as stream:
        yaml.safe_dump(content, stream, sort_keys=False, allow_unicode=True)


def _to_supervision(frames: list[ExportedFrame]) -> "sv.DetectionDataset":
    import supervision as sv

    class_names = sorted({name for frame in frames for name in frame.detections["class"]})
    annotations = {}
    for frame in frames:
        class_id = np.array([class_names.index(name) for name in frame.detections["class"]], int)
        annotations[str(frame.path)] = sv.Detections(_clipped_boxes(frame), class_id=class_id)
    return sv.DetectionDataset(class_names, list(annotations), annotations)


def write_label_studio(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``label-studio.json``: tasks with predictions, for a project that serves the folder.

    Args:
        store: the survey.
        folder: the output folder.

    Reference:
        https://labelstud.io/guide/predictions: boxes are in per cent of the image's sides.
    """
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d={frame.path.relative_to(folder).as_posix()}"},
            "predictions": [{"model_version": "sonar-debris", "result": _label_studio_regions(frame)}],
        }
        for frame in _export_frames_with_detections(store, folder)
    ]
    with atomic_text(folder / "label-studio.json") as stream:
        json.dump(tasks, stream, indent=1)


def _label_studio_regions(frame: ExportedFrame) -> list[dict[str, object]]:
    rows, cols = frame.shape
    return [
        {
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": cols,
            "original_height": rows,
            "score": row["score"],
            "value": {
                "x": 100 * row["x"] / cols,
                "y": 100 * row["y"] / rows,
                "width": 100 * row["w"] / cols,
                "height": 100 * row["h"] / rows,
                "rectanglelabels": [row["class"]],
            },
        }
        for row in frame.detections.to_dict("records")
    ]


def write_cvat(store: SurveyStore, folder: Path) -> None:
    """Write ``images/`` and ``cvat.xml``, in the format *CVAT for images 1.1*.

    Args:
        store: the survey.
        folder: the output folder.
    """
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, frame in enumerate(_export_frames_with_detections(store, folder)):
        rows, cols = frame.shape
        name = frame.path.relative_to(folder / "images").as_posix()
        image = ET.SubElement(root, "image", id=str(number), name=name, width=str(cols), height=str(rows))
        for row in frame.detections.to_dict("records"):
            corners = {"xtl": row["x"], "ytl": row["y"], "xbr": row["x"] + row["w"], "ybr": row["y"] + row["h"]}
            attributes = {"label": row["class"], "occluded": "0", "source": "auto", "z_order": "0"}
            attributes |= {corner: f"{value:.2f}" for corner, value in corners.items()}
            ET.SubElement(image, "box", attributes)
    ET.indent(root)
    with atomic_text(folder / "cvat.xml") as stream:
        stream.write(ET.tostring(root, "unicode", xml_declaration=True))


def _export_frames_with_detections(store: SurveyStore, folder: Path) -> list[ExportedFrame]:
    return export_frames(store, folder, frames_with_detections(store))
