import time

import pytest

from sonar_debris.datasets.labels import read_labels
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

XYXY = [10.0, 20.0, 40.0, 60.0]
SIZE = "<size><width>300</width><height>200</height><depth>1</depth></size>"


def objects_of(*boxes, name="tire"):
    corners = ("xmin", "ymin", "xmax", "ymax")
    boxes = ("".join(f"<{key}>{value}</{key}>" for key, value in zip(corners, box, strict=True)) for box in boxes)
    return "".join(f"<object><name>{name}</name><bndbox>{box}</bndbox></object>" for box in boxes)


BOX = objects_of((11, 21, 40, 60))


def annotation(content=BOX, size=SIZE, filename="a.png"):
    return f"<annotation><filename>{filename}</filename>{size}{content}</annotation>"


@pytest.fixture
def write_voc(tmp_path):
    """Return a function that writes annotation files and returns their folder."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / "annotations" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "annotations"

    return write


@pytest.mark.parametrize(
    ("content", "box"),
    [
        (annotation(), XYXY),
        (annotation(objects_of((10.5, 20.25, 40.75, 60.5))), [9.5, 19.25, 40.75, 60.5]),
        (annotation(objects_of((40, 60, 11, 21))), XYXY),
        (annotation(objects_of((0, 0, 40, 60))), [0, 0, 40, 60]),
        (annotation(size=""), XYXY),
        (annotation(size="<size><width>0</width><height>0</height></size>"), XYXY),
        ("\ufeff" + annotation(), XYXY),
        (annotation().encode("utf-16"), XYXY),
        ('<?xml version="1.0" encoding="UTF-8"?>' + annotation(), XYXY),
        (('<?xml version="1.0" encoding="ISO-8859-1"?>' + annotation(filename="é.png")).encode("latin-1"), XYXY),
        (f"<annotation>{SIZE}<object><part><name>rim</name></part>{BOX.removeprefix('<object>')}</annotation>", XYXY),
    ],
    ids=["int", "float", "reversed", "zero", "no-size", "size-0", "bom", "utf-16", "declared", "latin-1", "part"],
)
def test_files_of_several_programs_are_read(write_images, write_voc, read_objects, content, box):
    assert read_objects(write_images("a.png"), write_voc({"a.xml": content})) == {"a": [("tire", box)]}


def test_class_names_that_differ_by_case_or_spaces_are_one_class(write_images, write_voc, read_objects):
    content = "".join(objects_of((11, 21, 40, 60), name=name) for name in ("Tire", "tire ", "tire"))
    labels = write_voc({"a.xml": annotation(content)})

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(write_images("a.png"), labels)

    assert objects == {"a": [("Tire", XYXY)] * 3}
    assert [str(warning.message) for warning in caught] == [
        f"{labels}: read class names that differ only by case or spaces, or not at all, as one class: 2, "
        "e.g. 'Tire', 'tire', 'tire ' as 'Tire'"
    ]


def test_images_in_subfolders_are_matched_by_their_path(write_images, write_voc, read_objects):
    images = write_images("x/a.png", "y/a.tif")
    labels = write_voc({"x/a.xml": annotation(), "y/a.xml": annotation(objects_of((1, 1, 9, 9), name="can"))})

    assert read_objects(images, labels) == {"x/a": [("tire", XYXY)], "y/a": [("can", [0, 0, 9, 9])]}


def test_the_file_name_inside_tells_the_image_of_a_file_of_another_name(write_images, write_voc, read_objects):
    labels = write_voc({"000001.xml": annotation(filename="C:\\frames\\a.png")})

    assert read_objects(write_images("a.png"), labels) == {"a": [("tire", XYXY)]}


def test_images_without_label_files_and_label_files_without_images_are_named(write_images, write_voc, read_objects):
    labels = write_voc({"a.xml": annotation(), "z.xml": annotation(filename="z.png"), "y.xml": annotation()})

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(write_images("a.png", "b.pgm"), labels)

    assert objects == {"a": [("tire", XYXY)], "b": []}
    assert [str(warning.message) for warning in caught] == [
        f"{labels}: left out label files without an image: 2, e.g. y.xml",
        f"{labels}: read images without a label file as frames without objects: 1, e.g. b.pgm",
    ]


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (("nan", 21, 40, 60), "left out boxes that are not finite or far larger than their image"),
        ((11, 21, "1e30", 60), "left out boxes that are not finite or far larger than their image"),
        ((400, 400, 500, 500), "left out boxes outside of their image"),
    ],
)
def test_boxes_that_cannot_be_used_are_left_out_with_a_count(write_images, write_voc, read_objects, box, problem):
    labels = write_voc({"a.xml": annotation(BOX + objects_of(box))})

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(write_images("a.png"), labels)

    assert objects == {"a": [("tire", XYXY)]}
    assert [str(warning.message) for warning in caught] == [f"{labels}: {problem}: 1, e.g. in a.png"]


LAUGHS = "<!DOCTYPE a [<!ENTITY b 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("bcdefghi", "cdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a Pascal VOC file (no XML that can be read"),
        ("<annotation><object>", "not a Pascal VOC file (no XML that can be read"),
        (annotation().encode().replace(b"tire", b"t\xe9re"), "not text in UTF-8"),
        (b'<?xml version="1.0" encoding="zip"?><annotation/>\xff', "not text in UTF-8"),
        (f"{LAUGHS}]><annotation>&j;</annotation>", "not a Pascal VOC file (it defines a document type or entities"),
        (
            f"{LAUGHS}]><annotation>&j;</annotation>".encode("utf-16"),
            "not a Pascal VOC file (it defines a document type",
        ),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "not a Pascal VOC file (it defines a document type"),
        ("<annotation>&other;</annotation>", "not a Pascal VOC file (no XML that can be read"),
        ("<a>" * 200_000, "not a Pascal VOC file (no XML that can be read"),
        ("<annotations><image/></annotations>", "not a Pascal VOC file (the root element is 'annotations'"),
        (annotation("<object></object>"), "an object without name"),
        (annotation("<object><name>tire</name></object>"), "an object ('tire') without bndbox"),
        (annotation(BOX.replace("xmin", "x").replace("ymin", "y")), "bndbox without xmin"),
        (annotation(BOX.replace("11", "left")), "xmin is not a number: 'left'"),
        (annotation(BOX.replace("tire", " ")), "' ' is not a class name"),
        (annotation(size="<size><width>wide</width></size>"), "size/width is not a number: 'wide'"),
        (annotation(size="<size><width>300</width></size>"), "annotation without size/height"),
        (
            annotation(size=SIZE.replace("300", "600").replace("200", "400")),
            "the labels of a.png are for 600 x 400 pixels, and the image has 300 x 200 (width x height)",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else value[:20],
)
def test_a_file_that_cannot_be_used_is_refused_quickly(write_images, write_voc, content, reason):
    labels, begin = write_voc({"a.xml": content}), time.perf_counter()

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(write_images("a.png"), labels)

    assert str(caught.value).startswith(f"{labels / 'a.xml'}: {reason}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert time.perf_counter() - begin < 5
