import json
import time

import pytest

from sonar_debris.datasets.labels import read_labels
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

XYXY = [10.0, 20.0, 40.0, 60.0]


def image(image_id=1, file_name="a.png", **keys):
    return {"id": image_id, "file_name": file_name, "width": 300, "height": 200} | keys


def annotation(annotation_id=1, image_id=1, category_id=1, bbox=(10, 20, 30, 40), **keys):
    content = {"id": annotation_id, "image_id": image_id, "category_id": category_id, "bbox": bbox, "iscrowd": 0}
    return content | keys


def without(content, *keys):
    return {key: value for key, value in content.items() if key not in keys}


IMAGES, ANNOTATIONS = (image(),), (annotation(),)
CATEGORIES = [{"id": 1, "name": "bottle"}, {"id": 2, "name": "tire"}]


@pytest.fixture
def write_coco(tmp_path):
    """Return a function that writes a COCO file and returns its path."""

    def write(images=IMAGES, annotations=ANNOTATIONS, categories=CATEGORIES, encoding="utf-8"):
        path = tmp_path / "labels.json"
        content = {"images": list(images), "annotations": list(annotations), "categories": list(categories)}
        path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"images": [image(0)], "annotations": [annotation(0, 0, 0)], "categories": [{"id": 0, "name": "bottle"}]},
        {"images": [without(image(), "width", "height")]},
        {"images": [image(width=0, height=0)]},
        {"images": [image(width="300", height="200")]},
        {"images": [image(file_name="images\\a.png")]},
        {"images": [image(file_name="images/a.png")]},
        {"images": [image(file_name="./a.png")]},
        {
            "images": [image("1")],
            "annotations": [annotation("x", "1", "1")],
            "categories": [{"id": "1", "name": "bottle"}],
        },
        {"annotations": [annotation(image_id="1")]},
        {"annotations": [annotation(image_id=1.0, category_id="1")]},
        {"annotations": [annotation(bbox=None, segmentation=[[10, 20, 40, 20, 40, 60, 10, 60]])]},
        {"annotations": [annotation(bbox=[], segmentation=[10, 20, 40, 20, 40, 60])]},
        {
            "annotations": [
                without(annotation(segmentation=[[10, 20, 15, 20, 15, 60], [30, 30, 40, 30, 35, 35]]), "bbox")
            ]
        },
        {"annotations": [annotation(segmentation={"size": [200, 300], "counts": [3220, 30, 56_750]})]},
        {"annotations": [annotation(segmentation={"size": [200, 300], "counts": "compressed"})]},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
    ],
    ids=lambda value: repr(value)[:60],
)
def test_files_of_several_programs_are_read(write_images, write_coco, read_objects, content):
    assert read_objects(write_images("a.png"), write_coco(**content)) == {"a": [("bottle", XYXY)]}


def test_classes_are_in_the_order_of_their_ids(write_images, write_coco):
    categories = [{"id": 10, "name": "wall"}, {"id": "2", "name": "tire"}, {"id": 1, "name": "bottle"}]

    assert read_labels(write_images("a.png"), write_coco(categories=categories))[1] == ("bottle", "tire", "wall")


def test_images_of_the_same_name_in_two_folders(write_images, write_coco, read_objects):
    images = write_images("x/a.png", "y/a.png")
    labels = write_coco([image(1, "x/a.png"), image(2, "y\\a.png")], [annotation(), annotation(2, 2, 2)])

    assert read_objects(images, labels) == {"x/a": [("bottle", XYXY)], "y/a": [("tire", XYXY)]}


def test_an_image_may_be_named_without_its_folder(write_images, write_coco, read_objects):
    assert read_objects(write_images("x/a.pgm"), write_coco([image(1, "a.pgm")])) == {"x/a": [("bottle", XYXY)]}


@pytest.mark.parametrize("name", ["C:\\data\\a.png", "val/a.png", "/data/local-files/?d=upload/a.png"])
def test_an_image_in_another_folder_than_the_file_says_is_named(write_images, write_coco, read_objects, name):
    labels = write_coco([image(1, name)])

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(write_images("a.png"), labels)

    assert objects == {"a": [("bottle", XYXY)]}
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith(f"{labels}: found images in another folder than the file says: 1, e.g. {name!r} as ")


@pytest.mark.parametrize(
    ("content", "problem", "objects"),
    [
        (
            {"annotations": [annotation(), annotation(2, bbox=[0, 0, 300, 200], iscrowd=1)]},
            "left out crowd annotations (iscrowd): 1, e.g. in a.png",
            1,
        ),
        (
            {"annotations": [annotation(), annotation(2, image_id=77), annotation(3, image_id="x")]},
            "left out annotations of images that the file does not list: 2, e.g. image id '77'",
            1,
        ),
        (
            {"annotations": [annotation(), without(annotation(2), "bbox"), annotation(3, bbox=[], segmentation=[])]},
            "left out annotations without bbox and polygon: 2, e.g. in a.png",
            1,
        ),
        (
            {"annotations": [annotation(), annotation(2, bbox=[10, 10, 0, 0]), annotation(3, bbox=[50, 50, -20, 9])]},
            "left out boxes without width or height: 2, e.g. in a.png",
            1,
        ),
        (
            {
                "annotations": [
                    annotation(),
                    annotation(4),
                    annotation(2, bbox=[5000, 50, 20, 20]),
                    annotation(3, bbox=[-50, -50, 20, 20]),
                ]
            },
            "left out boxes outside of their image: 2, e.g. in a.png",
            2,
        ),
        (
            {
                "annotations": [
                    annotation(),
                    annotation(2, bbox=[0, 0, 1e30, 1e30]),
                    annotation(3, bbox=[1, float("nan"), 9, 9]),
                ]
            },
            "left out boxes that are not finite or far larger than their image: 2, e.g. in a.png",
            1,
        ),
        (
            {"annotations": [annotation(), annotation(2, bbox=[float("-inf"), 0, 10, 10])]},
            "left out boxes that are not finite or far larger than their image: 1, e.g. in a.png",
            1,
        ),
        (
            {"annotations": [annotation(), annotation(2, bbox=None, segmentation=[1, 1, float("nan"), 9, 9, 9])]},
            "left out boxes that are not finite or far larger than their image: 1, e.g. in a.png",
            1,
        ),
        (
            {"annotations": [annotation(), annotation(2, bbox=[290, 190, 50, 50])]},
            "clipped boxes that reach out of their image: 1, e.g. in a.png",
            2,
        ),
        (
            {"categories": [{"id": 0, "name": "Bottle"}, *CATEGORIES]},
            "read class names that differ only by case or spaces, or not at all, as one class: 1, "
            "e.g. 'Bottle', 'bottle' as 'Bottle'",
            1,
        ),
    ],
)
def test_what_is_left_out_is_counted_in_one_line(write_images, write_coco, read_objects, content, problem, objects):
    labels = write_coco(**content)

    with pytest.warns(SonarDebrisWarning) as caught:
        (boxes,) = read_objects(write_images("a.png"), labels).values()

    assert [str(warning.message) for warning in caught] == [f"{labels}: {problem}"]
    assert len(boxes) == objects and boxes[0][1] == XYXY


def test_categories_of_one_name_are_one_class(write_images, write_coco, read_objects):
    annotations = [annotation(), annotation(2, category_id=2)]
    labels = write_coco(annotations=annotations, categories=[{"id": 1, "name": "tire"}, {"id": 2, "name": "tire"}])

    with pytest.warns(SonarDebrisWarning, match="as one class: 1, e.g. 'tire', 'tire' as 'tire'"):
        assert read_objects(write_images("a.png"), labels) == {"a": [("tire", XYXY)] * 2}


def test_images_that_the_file_does_not_list_are_named(write_images, write_coco):
    images, labels = write_images("a.png", "b.png", "c.pgm"), write_coco()

    with pytest.warns(SonarDebrisWarning, match="left out images that the file does not list: 2, e.g. b.png"):
        frames, _ = read_labels(images, labels)

    assert [frame.path.name for frame in frames] == ["a.png"]


TWO_WITH_ONE_ID = [image(), image(1, "b.png")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            {"images": TWO_WITH_ONE_ID},
            "not a COCO file that can be used: two images have the id '1': 'a.png' and 'b.png'",
        ),
        ({"images": [image(), image("1", "b.png")]}, "not a COCO file that can be used: two images have the id '1'"),
        ({"images": [image(), image(2)]}, "two images are the same file"),
        ({"images": [image(), image(2, "x\\a.png")]}, "two images are the same file"),
        (
            {"images": [without(image(), "file_name")]},
            "not a COCO file that can be used: the image '1' has no file_name",
        ),
        ({"images": [image(None)]}, "not a COCO file that can be used: no id"),
        ({"images": [image(True)]}, "not a COCO file that can be used: id is True, not a number or text"),
        ({"images": [image([1])]}, "not a COCO file that can be used: id is 'list', not a number or text"),
        (
            {"images": [image(file_name="d.aris", frame_index=7)]},
            "not a COCO file that can be used: 'd.aris' is labelled",
        ),
        ({"images": [3]}, "not a COCO file that can be used: 'images' holds values that are not JSON objects"),
        ({"images": [image(file_name="c.png")]}, "1 labelled images are not in "),
        ({"images": [image(file_name="../../etc/passwd")]}, "1 labelled images are not in "),
        ({"images": [image(file_name="")]}, "1 labelled images are not in "),
        ({"categories": [{"id": 1}]}, "not a COCO file that can be used: the category '1' has no name"),
        ({"categories": [{"id": 1, "name": " "}]}, "not a COCO file that can be used: ' ' is not a class name"),
        (
            {"categories": [{"id": 1, "name": "a\x07"}]},
            "not a COCO file that can be used: 'a\\x07' is not a class name",
        ),
        (
            {"categories": [{"id": 1, "name": "can"}, {"id": "1", "name": "tire"}]},
            "not a COCO file that can be used: two categories have the id '1': 'can', 'tire'",
        ),
        ({"annotations": [annotation(9, category_id=5)]}, "annotation 9: the category id '5' is not in categories"),
        ({"annotations": [without(annotation(), "id", "image_id")]}, "the 1. annotation: no image_id"),
        ({"annotations": [annotation(bbox=[1, 2, 3])]}, "annotation 1: bbox holds 3 numbers"),
        ({"annotations": [annotation(bbox=["1", 2, 3, 4])]}, "annotation 1: bbox is not a list of numbers"),
        ({"annotations": [annotation(bbox=[None, 2, 3, 4])]}, "annotation 1: bbox is not a list of numbers"),
        ({"annotations": [annotation(bbox={"x": 1})]}, "annotation 1: bbox is not a list of numbers"),
        (
            {"annotations": [annotation(bbox=[10**400, 2, 3, 4])]},
            "annotation 1: bbox is not a list of numbers, or they",
        ),
        (
            {"annotations": [annotation(bbox=[], segmentation=[[1, 2, 3]])]},
            "annotation 1: segmentation holds 3 numbers",
        ),
        ({"annotations": [annotation(bbox=[], segmentation=[["a"] * 6])]}, "annotation 1: segmentation is not a list"),
        (
            {"annotations": [annotation(bbox=[], segmentation="x")]},
            "annotation 1: segmentation is not a list of numbers",
        ),
        (
            {"annotations": [annotation(bbox=[], segmentation={"size": [2, 2], "counts": [4]})]},
            "annotation 1: no bbox, and the segmentation is a run-length mask",
        ),
        (
            {"annotations": [annotation(segmentation={"size": [200, 300], "counts": [0, 2**62]})]},
            "annotation 1: the runs of the run-length mask do not add up to its size of 200 x 300",
        ),
        (
            {"annotations": [annotation(segmentation={"size": [2**40, 2**40], "counts": [0, 2**80]})]},
            "annotation 1: the run-length mask covers 1.21e+24 pixels",
        ),
        ({"annotations": [annotation(segmentation={"counts": [1]})]}, "annotation 1: the run-length mask has no size"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_file_that_contradicts_itself_is_refused(write_images, write_coco, content, reason):
    images, labels = write_images("a.png", "b.png"), write_coco(**content)

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(images, labels)

    assert str(caught.value).startswith(f"{labels}: {reason}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "not a COCO file: the JSON is nested too deeply"),
        ('{"images":' * 100_000, "not a COCO file: the JSON is nested too deeply"),
        ("[1, 2", "not a COCO file: no JSON that can be read"),
        ("null", "not a COCO file: no JSON object"),
        ('"images"', "not a COCO file: no JSON object"),
        ('{"images": [], "categories": []}', "not a COCO file that can be used: no list 'annotations'"),
        ('{"images": {}, "categories": [], "annotations": []}', "not a COCO file that can be used: no list 'images'"),
        ('{"images": [' + "1" * 5000 + "]}", "not a COCO file"),
        (b"\xff\xfe\x00", "not text in UTF-16"),
        (b'{"images": "\xe9"}', "not text in UTF-8"),
        (b"\0" * 100, "not a COCO file: no JSON that can be read"),
    ],
    ids=[
        "deep-list",
        "deep-object",
        "broken",
        "null",
        "text",
        "no-list",
        "object",
        "digits",
        "utf-16",
        "latin-1",
        "nul",
    ],
)
def test_a_hostile_file_is_refused_quickly_with_one_line(tmp_path, write_images, content, reason):
    labels, begin = tmp_path / "labels.json", time.perf_counter()
    labels.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(write_images("a.png"), labels)

    assert str(caught.value).startswith(f"{labels}: {reason}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert time.perf_counter() - begin < 5
