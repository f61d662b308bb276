"""Train YOLO11n from scratch on all scene folds but one, and write its detections in that fold as a COCO file.

Needs the environment that README.md creates; does not use sonar_debris.
"""

import argparse
import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import cv2
import torch
import torchvision_for_cpu  # noqa: F401
from ultralytics import YOLO

CLASSES = [
    "bottle",
    "can",
    "chain",
    "drink-carton",
    "hook",
    "propeller",
    "shampoo-bottle",
    "standing-bottle",
    "tire",
    "valve",
    "wall",
]


def main() -> None:
    """Train, detect and write the detections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", type=Path)
    parser.add_argument("fold")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=1.0, help="length of the training")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=320)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with (arguments.release / "splits" / "frames.csv").open(newline="") as lines:
        folds = {row["frame"]: row["fold"] for row in csv.DictReader(lines)}
    frames = arguments.release.resolve() / "watertank-segmentation"
    write_data(frames, folds, arguments.fold, arguments.output)
    model = YOLO("yolo11n.yaml")
    model.train(
        data=str(arguments.output / "data.yaml"),
        time=arguments.hours,
        imgsz=arguments.size,
        batch=16,
        device="cpu",
        workers=1,
        val=False,
        plots=False,
        seed=0,
        project=str(arguments.output.resolve()),
        name="run",
        exist_ok=True,
    )
    test = [frames / "Images" / f"{name}.png" for name, fold in sorted(folds.items()) if fold == arguments.fold]
    write_detections(model, test, arguments.size, arguments.output / "detections.coco.json")


def write_data(frames: Path, folds: dict[str, str], test: str, output: Path) -> None:
    """Write links to the images of the training folds, and their labels, in YOLO's layout."""
    for folder in ("images", "labels"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    for name in (name for name, fold in folds.items() if fold != test):
        link = output / "images" / f"{name}.png"
        if not link.exists():
            link.symlink_to(frames / "Images" / f"{name}.png")
        rows, cols = cv2.imread(str(link), cv2.IMREAD_GRAYSCALE).shape
        objects = ElementTree.parse(frames / "BoxAnnotations" / f"{name}.xml").getroot().findall("object")
        lines = [yolo_line(element, rows, cols) for element in objects]
        (output / "labels" / f"{name}.txt").write_text("".join(lines))
    path = (output / "images").resolve()
    names = json.dumps(dict(enumerate(CLASSES)))
    (output / "data.yaml").write_text(f"train: {path}\nval: {path}\nnames: {names}\n")


def yolo_line(element: ElementTree.Element, rows: int, cols: int) -> str:
    """Return an object in YOLO's format: class, centre and size as fractions of the image."""
    x, y, w, h = (float(element.findtext(f"bndbox/{key}")) for key in "xywh")
    class_id = CLASSES.index(element.findtext("name").lower())
    return f"{class_id} {(x + w / 2) / cols} {(y + h / 2) / rows} {w / cols} {h / rows}\n"


def write_detections(model: YOLO, paths: list[Path], size: int, output: Path) -> None:
    """Write the model's detections of all scores."""
    images, annotations = [], []
    for number, path in enumerate(paths, 1):
        images.append({"id": number, "file_name": path.name})
        (result,) = model.predict(str(path), imgsz=size, conf=0.001, iou=0.6, max_det=100, verbose=False)
        for (left, top, right, bottom), score, class_id in zip(
            result.boxes.xyxy.tolist(), result.boxes.conf.tolist(), result.boxes.cls.tolist(), strict=True
        ):
            box = {"bbox": [left, top, right - left, bottom - top], "score": score, "category_id": int(class_id) + 1}
            annotations.append({"id": len(annotations) + 1, "image_id": number, **box})
    categories = [{"id": k, "name": name} for k, name in enumerate(CLASSES, 1)]
    output.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


if __name__ == "__main__":
    main()
