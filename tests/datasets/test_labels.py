"""Read a frame with a can and a tire, and a frame without boxes, in three formats."""

import json

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame, read_labels
from sonar_debris.errors import SonarDebrisError

pytest.importorskip("supervision")
SIZE = (40, 60)  # rows, cols
BOXES = {"can": (6, 8, 18, 20), "tire": (30, 10, 54, 30)}
NAMES = list(BOXES)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("b", "a"):
        cv2.imwrite(str(folder / f"{name}.png"), np.full(SIZE, 90, np.uint8))
    return folder


def write_coco(folder):
    boxes = [
        {"id": k, "image_id": 1, "category_id": k, "bbox": [x, y, r - x, b - y], "area": (r - x) * (b - y)}
        | {"iscrowd": 0, "segmentation": []}
        for k, (x, y, r, b) in enumerate(BOXES.values())
    ]
    files = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}]
    files = [file | {"height": SIZE[0], "width": SIZE[1]} for file in files]
    categories = [{"id": k, "name": name, "supercategory": "none"} for k, name in enumerate(NAMES)]
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": files, "categories": categories, "annotations": boxes}))
    return path


def write_voc(folder):
    labels = folder / "voc"
    labels.mkdir()
    size = f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height><depth>1</depth></size>"
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{r}</xmax>"
        f"<ymax>{b}</ymax></bndbox></object>"
        for name, (x, y, r, b) in BOXES.items()
    )
    for name, content in (("a", objects), ("b", "")):
        (labels / f"{name}.xml").write_text(f"<annotation><filename>{name}.png</filename>{size}{content}</annotation>")
    return labels


def write_yolo(folder):
    labels = folder / "yolo"
    labels.mkdir()
    lines = [
        f"{k} {(x + r) / 2 / SIZE[1]} {(y + b) / 2 / SIZE[0]} {(r - x) / SIZE[1]} {(b - y) / SIZE[0]}"
        for k, (x, y, r, b) in enumerate(BOXES.values())
    ]
    (labels / "a.txt").write_text("\n".join(lines) + "\n")
    (labels / "b.txt").write_text("")
    (folder / "data.yaml").write_text(f"names: {NAMES}\nnc: {len(NAMES)}\n")
    return labels


@pytest.mark.parametrize("write", [write_coco, write_voc, write_yolo])
def test_boxes_and_class_names_are_read(write, images, tmp_path):
    frames, names = read_labels(images, write(tmp_path))

    assert names == tuple(NAMES)
    assert [(frame.name, frame.path.name, len(frame.xyxy)) for frame in frames] == [
        ("a", "a.png", 2),
        ("b", "b.png", 0),
    ]
    np.testing.assert_allclose(frames[0].xyxy, list(BOXES.values()), atol=1e-3)
    assert frames[0].class_id.tolist() == [0, 1]


def test_a_missing_folder_is_an_error(images, tmp_path):
    with pytest.raises(SonarDebrisError, match="nowhere: no such file or folder"):
        read_labels(images, tmp_path / "nowhere")


def test_a_folder_without_labels_is_an_error(images, tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(SonarDebrisError, match="empty: no .json file, no .xml files, and no data.yaml"):
        read_labels(images, tmp_path / "empty")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"images": 3}'])
def test_a_damaged_coco_file_is_an_error(content, images, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(content)

    with pytest.raises(SonarDebrisError, match="labels.json: cannot read the labels of"):
        read_labels(images, path)


def test_labels_of_other_images_are_an_error(images, tmp_path):
    path = write_coco(tmp_path)
    for image in images.iterdir():
        image.rename(image.with_name(f"other-{image.name}"))

    with pytest.raises(SonarDebrisError, match="labels.json: 2 labelled images are not in .*, e.g. a.png"):
        read_labels(images, path)


def test_labels_without_boxes_are_an_error(images, tmp_path):
    path = write_coco(tmp_path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"annotations": []}))

    with pytest.raises(SonarDebrisError, match="labels.json: no boxes for the images in"):
        read_labels(images, path)


def test_a_labelled_frame_loads_its_image(images):
    labelled = LabelledFrame("a", images / "a.png", np.zeros((0, 4), np.float32), np.zeros(0, int))

    frame = labelled.load()

    np.testing.assert_allclose(frame.image, np.full(SIZE, 90 / 255), atol=1e-6)
