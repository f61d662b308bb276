"""Read labels in three formats; the tests of each format's own file are in the test file of its reader."""

import json
import os
import tempfile
import unicodedata
import xml.sax.saxutils
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sonar_debris.datasets.labels import LabelledFrame, read_labels
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

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

    with pytest.raises(SonarDebrisError, match="labels.json: not a COCO file"):
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


def test_the_images_must_be_a_folder_with_images(images, tmp_path):
    labels = write_coco(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(SonarDebrisError, match="a.png: not a folder; give the folder of the images"):
        read_labels(images / "a.png", labels)
    with pytest.raises(SonarDebrisError, match="empty: the folder holds no images"):
        read_labels(tmp_path / "empty", labels)


def test_a_file_of_another_format_is_an_error(images, tmp_path):
    (tmp_path / "labels.csv").write_text("a,b\n")

    with pytest.raises(SonarDebrisError, match="labels.csv: not a .json file, a data.yaml or a folder of labels"):
        read_labels(images, tmp_path / "labels.csv")


@pytest.mark.parametrize("write", [write_coco, write_voc])
@pytest.mark.parametrize("factor", [2, 0.5])
def test_labels_for_images_of_another_size_are_refused(write, factor, images, tmp_path):
    labels = write(tmp_path)
    for path in images.iterdir():
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), None, fx=factor, fy=factor))

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(images, labels)

    path, cols, rows = labels / "a.xml" if labels.is_dir() else labels, int(60 * factor), int(40 * factor)
    assert str(caught.value) == (
        f"{path}: the labels of a.png are for 60 x 40 pixels, and the image has {cols} x {rows} (width x height); "
        "give the images that were labelled"
    )


def test_the_size_is_that_of_the_image_as_it_is_loaded(images, tmp_path):
    labels = write_coco(tmp_path)
    labels.write_text(labels.read_text().replace("a.png", "a.jpg"))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("L", (40, 60), 90).save(images / "a.jpg", exif=exif)
    (images / "a.png").unlink()

    frames, _ = read_labels(images, labels)

    assert frames[0].load().image.shape == (40, 60) and len(frames[0].xyxy) == 2


@pytest.mark.parametrize("suffix", ["pgm", "bmp", "tif", "jpg", "npy"])
@pytest.mark.parametrize("write", [write_coco, write_voc, write_yolo])
def test_every_image_format_of_the_loader_can_be_labelled(write, suffix, images, tmp_path):
    labels, image = write(tmp_path), cv2.imread(str(images / "a.png"), cv2.IMREAD_GRAYSCALE)
    (images / "a.png").unlink()
    if suffix == "npy":
        np.save(images / "a.npy", image)
    else:
        cv2.imwrite(str(images / f"a.{suffix}"), image)
    if labels.is_file():
        labels.write_text(labels.read_text().replace("a.png", f"a.{suffix}"))

    frames, _ = read_labels(images, labels)

    assert [frame.path.name for frame in frames] == [f"a.{suffix}", "b.png"]
    np.testing.assert_allclose(frames[0].xyxy, list(BOXES.values()), atol=1e-3)


def test_a_stack_of_frames_cannot_be_labelled(images, tmp_path):
    labels = write_yolo(tmp_path)
    (images / "a.png").unlink()
    np.save(images / "a.npy", np.full((5, *SIZE), 90, np.uint8))

    with pytest.raises(SonarDebrisError, match="a.npy: holds 5 frames, and labels belong to single images"):
        read_labels(images, labels)


def test_a_damaged_image_is_an_error(images, tmp_path):
    labels = write_yolo(tmp_path)
    (images / "a.png").write_bytes(b"no image")

    with pytest.raises(SonarDebrisError, match="a.png: "):
        read_labels(images, labels)


def test_a_pipe_is_an_error(images, tmp_path):
    labels = write_yolo(tmp_path)
    (images / "a.png").unlink()
    os.mkfifo(images / "a.png")

    with pytest.raises(SonarDebrisError, match="a.png: not a regular file"):
        read_labels(images, labels)


def test_boxes_are_clipped_to_the_frame(images, tmp_path):
    labels = write_coco(tmp_path)
    content = json.loads(labels.read_text())
    content["annotations"][0]["bbox"] = [-2.5, -1, 20, 10]  # so little is rounding
    content["annotations"][1]["bbox"] = [50, 30, 20, 30]
    labels.write_text(json.dumps(content))

    with pytest.warns(SonarDebrisWarning, match="clipped boxes that reach out of their image: 1, e.g. in a.png"):
        frames, _ = read_labels(images, labels)

    np.testing.assert_allclose(frames[0].xyxy, [[0, 0, 17.5, 9], [50, 30, 60, 40]])


def test_labels_of_another_size_without_a_declared_size_are_refused(images, tmp_path):
    labels = write_coco(tmp_path)
    content = json.loads(labels.read_text())
    for image in content["images"]:
        del image["width"], image["height"]
    for annotation in content["annotations"]:
        annotation["bbox"] = [70, 50, 30, 20]
    labels.write_text(json.dumps(content))

    with pytest.warns(SonarDebrisWarning), pytest.raises(SonarDebrisError) as caught:
        read_labels(images, labels)

    assert str(caught.value).startswith(
        f"{labels}: 2 of 2 boxes lie outside of their images; give the images that were"
    )


def test_equal_names_in_two_folders_keep_their_folder(tmp_path):
    images = tmp_path / "images"
    for part in ("x", "y"):
        (images / part).mkdir(parents=True)
        cv2.imwrite(str(images / part / "a.png"), np.full(SIZE, 90, np.uint8))
    labels = write_coco(tmp_path)
    labels.write_text(labels.read_text().replace("a.png", "x/a.png").replace("b.png", "y/a.png"))

    frames, _ = read_labels(images, labels)

    assert [(frame.name, len(frame.xyxy)) for frame in frames] == [("x/a", 2), ("y/a", 0)]


# Whole pixels, as Pascal VOC writes them; at least one pixel wide, and inside a frame of 60 columns and 40 rows.
boxes = st.tuples(st.integers(0, 59), st.integers(0, 39), st.integers(1, 60), st.integers(1, 40)).map(
    lambda box: (box[0], box[1], min(box[0] + box[2], 60), min(box[1] + box[3], 40))
)
class_names = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
    unique_by=str.casefold,
)


@st.composite
def datasets(draw):
    """Return class names, and for each of 1 to 3 frames its boxes and class indices; every class occurs."""
    names = draw(class_names.filter(is_stable))
    labelled_boxes = st.lists(st.tuples(boxes, st.integers(0, len(names) - 1)), max_size=4)
    frames = draw(st.lists(labelled_boxes, min_size=1, max_size=3))
    frames[0] += [(draw(boxes), index) for index in range(len(names))]
    return names, frames


def is_stable(names):
    """Return whether reading changes no name: it composes accents, and compares names without case."""
    normal = [unicodedata.normalize("NFC", name) for name in names]
    return normal == names and len({name.casefold() for name in names}) == len(names)


def write_dataset(folder, names, frames, format):
    (folder / "images").mkdir()
    for number in range(len(frames)):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), np.full(SIZE, 90, np.uint8))
    if format == "coco":
        images = [{"id": k, "file_name": f"{k}.png", "width": SIZE[1], "height": SIZE[0]} for k in range(len(frames))]
        annotations = [
            {"id": 1, "image_id": k, "category_id": index, "bbox": [x, y, r - x, b - y]}
            for k, objects in enumerate(frames)
            for (x, y, r, b), index in objects
        ]
        categories = [{"id": k, "name": name} for k, name in enumerate(names)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / "labels.json").write_text(json.dumps(content))
        return folder / "labels.json"
    (folder / "labels").mkdir()
    if format == "yolo":
        (folder / "data.yaml").write_text(json.dumps({"names": names}, ensure_ascii=False), encoding="utf-8")
    for number, objects in enumerate(frames):
        if format == "yolo":
            path, rows = folder / "labels" / f"{number}.txt", [yolo_row(box, index) for box, index in objects]
            path.write_text("\n".join(rows))
        else:
            path, elements = folder / "labels" / f"{number}.xml", [voc_object(box, names[k]) for box, k in objects]
            path.write_text(f"<annotation>{''.join(elements)}</annotation>", encoding="utf-8")
    return folder / "labels"


def yolo_row(box, index):
    left, top, right, bottom = box
    centre = (left + right) / 2 / SIZE[1], (top + bottom) / 2 / SIZE[0]
    values = (*centre, (right - left) / SIZE[1], (bottom - top) / SIZE[0])
    return " ".join([str(index), *(f"{value:.6f}" for value in values)])


def voc_object(box, name):
    left, top, right, bottom = box
    corners = f"<xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    return f"<object><name>{xml.sax.saxutils.escape(name)}</name><bndbox>{corners}</bndbox></object>"


def write_with_supervision(folder, names, frames, format):
    import supervision as sv

    write_dataset(folder, names, frames, "coco")
    annotations = {
        str(folder / "images" / f"{number}.png"): sv.Detections(
            np.array([box for box, _ in objects], np.float32).reshape(-1, 4),
            class_id=np.array([index for _, index in objects], int),
        )
        for number, objects in enumerate(frames)
    }
    dataset = sv.DetectionDataset(list(names), list(annotations), annotations)
    (folder / "labels.json").unlink()
    if format == "coco":
        dataset.as_coco(annotations_path=str(folder / "labels.json"))
        return folder / "labels.json"
    if format == "voc":
        dataset.as_pascal_voc(annotations_directory_path=str(folder / "labels"))
    else:
        dataset.as_yolo(annotations_directory_path=str(folder / "labels"), data_yaml_path=str(folder / "data.yaml"))
    return folder / "labels"


def check_round_trip(write, names, frames, format):
    with tempfile.TemporaryDirectory() as folder:
        labels = write(Path(folder), names, frames, format)
        labelled, class_names = read_labels(Path(folder) / "images", labels)
    assert sorted(class_names) == sorted(names)
    assert format == "voc" or list(class_names) == names
    for frame, objects in zip(labelled, frames, strict=True):
        np.testing.assert_allclose(frame.xyxy, np.array([box for box, _ in objects]).reshape(-1, 4), atol=1e-3)
        assert [class_names[index] for index in frame.class_id] == [names[index] for _, index in objects]


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
@settings(max_examples=40)
@given(dataset=datasets())
def test_what_is_written_by_hand_is_read_back(format, dataset):
    check_round_trip(write_dataset, *dataset, format)


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
@settings(max_examples=10)
@given(frames=st.lists(st.lists(st.tuples(boxes, st.just(0)), min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_supervision_writes_is_read_back(format, frames):
    pytest.importorskip("supervision")

    check_round_trip(write_with_supervision, ["plastic bottle"], frames, format)
