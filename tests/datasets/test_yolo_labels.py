import time

import pytest

from sonar_debris.datasets.labels import read_labels
from sonar_debris.datasets.yolo_labels import parse_row
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

BOX = ".5 .5 .2 .2"
XYXY = [120.0, 80.0, 180.0, 120.0]  # BOX in an image of 300 columns and 200 rows
NO_LABEL_FILE = "read images without a label file as frames without objects"


@pytest.fixture
def write_labels(tmp_path):
    """Return a function that writes label files and a data.yaml, and returns the folder of the label files."""

    def write(files, description="names: [bottle, tire]\n", folder="labels"):
        for name, content in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "data.yaml").write_bytes(description if isinstance(description, bytes) else description.encode())
        return tmp_path / folder

    return write


@pytest.mark.parametrize(
    ("description", "class_id", "name", "names"),
    [
        ("names: {0: bottle, 2: tire}", 2, "tire", ("bottle", "tire")),
        ("names: {1: bottle, 3: tire, 5: can, 7: wall}", 3, "tire", ("bottle", "tire", "can", "wall")),
        ("names: {1: bottle, 2: tire, 3: can}", 2, "tire", ("bottle", "tire", "can")),
        ("names: {3: tire, 1: bottle}", 3, "tire", ("bottle", "tire")),
        ("names:\n" + "".join(f'  "{k}": c{k}\n' for k in range(11)), 10, "c10", tuple(f"c{k}" for k in range(11))),
        ("names: [bottle, tire]", 1, "tire", ("bottle", "tire")),
        ("names: [yes, no, 007]", 1, "no", ("yes", "no", "007")),
        ("\ufeffnames: [bottle]\r\n", 0, "bottle", ("bottle",)),
        ("nc: 2\nnames: [bottle, tire]\ndownload: |\n  echo\nroboflow: {url: x}\n", 0, "bottle", ("bottle", "tire")),
    ],
)
def test_class_ids_are_mapped_by_their_key(
    write_images, write_labels, read_objects, description, class_id, name, names
):
    images, labels = write_images("a.png"), write_labels({"a.txt": f"{class_id} {BOX}\n"}, description)

    assert read_objects(images, labels) == {"a": [(name, XYXY)]}
    assert read_labels(images, labels)[1] == names


@pytest.mark.parametrize("class_id", ["7", "-1", "2", "1e300", "99999999999999999999"])
def test_a_class_id_without_a_name_is_refused(write_images, write_labels, class_id):
    labels = write_labels({"a.txt": f"0 {BOX}\n{class_id} {BOX}\n"}, "names: {0: bottle, 1: tire, 3: can}")

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(write_images("a.png"), labels)

    message = str(caught.value)
    assert message.startswith(f"{labels / 'a.txt'}: line 2: class id {float(class_id):.6g} has no name in")
    assert message.endswith("data.yaml, which names 0, 1, 3")


@pytest.mark.parametrize(
    ("content", "boxes"),
    [
        (b"\xef\xbb\xbf0 .5 .5 .2 .2\r\n", [XYXY]),
        ("0 .5 .5 .2 .2\r0 .5 .5 .2 .2\n\n   \n", [XYXY, XYXY]),
        ("0.000000000e+00 5e-1 5e-1 2e-1 2e-1", [XYXY]),
        (f"0\t{BOX}".encode("utf-16"), [XYXY]),
        (f"0 {BOX} 0.83", [XYXY]),
        ("0 .1 .1 .5 .1 .5 .6 .1 .6", [[30, 20, 150, 120]]),
        ("0 .1 .1 .5 .1 .5 .6", [[30, 20, 150, 120]]),
        ("0 0.1 0.5 0.21 1.0", [[0, 0, 61.5, 200]]),
        ("", []),
    ],
    ids=["bom", "line-ends", "exponents", "utf-16", "score", "polygon", "triangle", "rounding", "empty"],
)
def test_rows_are_read_as_programs_write_them(write_images, write_labels, read_objects, content, boxes):
    images = write_images("a.png", "b.png")
    labels = write_labels({"a.txt": content, "b.txt": f"0 {BOX}"})

    assert read_objects(images, labels) == {"a": [("bottle", box) for box in boxes], "b": [("bottle", XYXY)]}


def test_a_pose_row_holds_a_box_and_key_points():
    assert parse_row(f"0 {BOX} .1 .1 2 .9 .9 2", key_points=6)[1] == pytest.approx((0.4, 0.4, 0.6, 0.6))
    assert parse_row("0 .1 .1 .5 .1 .5 .6 .1 .6", key_points=6)[1] == pytest.approx((0.1, 0.1, 0.5, 0.6))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0 150 100 40 30", "the value 150 is not in [0, 1]; YOLO labels are fractions"),
        ("0 .5 .5 1.2 .3", "the value 1.2 is not in [0, 1]"),
        ("0 -.5 .5 .2 .3", "the value -0.5 is not in [0, 1]"),
        ("0 .5 .5 -.2 .3", "the value -0.2 is not in [0, 1]"),
        ("0 .5 .5 inf .3", "the value inf is not in [0, 1]"),
        ("0 .1 .1 .5 .1 .5 60", "the value 60 is not in [0, 1]"),
        ("0 .5 .5 .2", "not a class id with a box or a polygon"),
        ("0", "not a class id with a box or a polygon"),
        ("0 .1 .1 .5 .1 .5 .6 .1", "not a class id with a box or a polygon"),
        ("0,.5,.5,.2,.2", "not numbers between spaces: '0,.5,.5,.2,.2'"),
        ("tire .5 .5 .2 .2", "not numbers between spaces"),
        ("0.5 .5 .5 .2 .2", "the class id is not a whole number"),
        ("nan .5 .5 .2 .2", "the class id is not a whole number"),
        ("inf .5 .5 .2 .2", "the class id is not a whole number"),
    ],
)
def test_a_row_that_is_not_a_label_is_refused_with_file_and_line(write_images, write_labels, row, reason):
    labels = write_labels({"a.txt": f"0 {BOX}\n{row}\n"})

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(write_images("a.png"), labels)

    assert str(caught.value).startswith(f"{labels / 'a.txt'}: line 2: {reason}")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("0 .5 .5 0 .2", "left out boxes without width or height"),
        ("0 .5 .5 .2 0", "left out boxes without width or height"),
        ("0 .1 .1 .1 .1 .1 .1", "left out boxes without width or height"),
        ("0 .5 nan .2 .2", "left out boxes that are not finite or far larger than their image"),
        ("0 .1 .1 nan .1 .5 .6", "left out boxes that are not finite or far larger than their image"),
    ],
)
def test_boxes_that_cannot_be_used_are_left_out_with_a_count(write_images, write_labels, read_objects, row, problem):
    labels = write_labels({"a.txt": f"{row}\n0 {BOX}\n{row}\n"})

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(write_images("a.png"), labels)

    assert objects == {"a": [("bottle", XYXY)]}
    assert [str(warning.message) for warning in caught] == [f"{labels}: {problem}: 2, e.g. in a.png"]


def test_labels_that_are_not_text_are_refused(write_images, write_labels):
    labels = write_labels({"a.txt": b"0 .5 \xff\x00 .2 .2"})

    with pytest.raises(SonarDebrisError, match=r"a\.txt: not text in UTF-8; save it as UTF-8"):
        read_labels(write_images("a.png"), labels)


def test_suffixes_in_upper_case_and_other_text_files(write_images, write_labels, read_objects):
    images = write_images("A1.PNG", "b.tif")
    files = {"A1.TXT": f"0 {BOX}", "b.txt": "", "classes.txt": "bottle\ntire\n", "README.dataset.txt": "hello"}

    assert read_objects(images, write_labels(files)) == {"A1": [("bottle", XYXY)], "b": []}


def test_every_format_of_images_counts_and_images_without_a_label_file_are_named(
    write_images, write_labels, read_objects
):
    images = write_images("a.pgm", "b.tif", "c.bmp", "d.npy.png", "e.jpg")
    labels = write_labels({"a.txt": f"0 {BOX}", "d.npy.txt": f"1 {BOX}", "z.txt": f"1 {BOX}"})

    with pytest.warns(SonarDebrisWarning) as caught:
        objects = read_objects(images, labels)

    assert objects == {"a": [("bottle", XYXY)], "b": [], "c": [], "d.npy": [("tire", XYXY)], "e": []}
    assert [str(warning.message) for warning in caught] == [
        f"{labels}: {NO_LABEL_FILE}: 3, e.g. b.tif",
        f"{labels}: left out label files without an image: 1, e.g. z.txt",
    ]


def test_hidden_files_are_not_read(write_images, write_labels, read_objects):
    images = write_images("a.png")
    (images / "._a.png").write_bytes(b"\0\5\x16\7")

    assert read_objects(images, write_labels({"a.txt": f"0 {BOX}", "._a.txt": b"\0\5"})) == {"a": [("bottle", XYXY)]}


def test_images_in_subfolders_are_matched_by_their_path(write_images, write_labels, read_objects):
    images = write_images("train/a.png", "val/a.png")
    labels = write_labels({"train/a.txt": f"0 {BOX}", "val/a.txt": f"1 {BOX}"})

    assert read_objects(images, labels) == {"train/a": [("bottle", XYXY)], "val/a": [("tire", XYXY)]}


def test_label_files_of_images_in_a_subfolder_may_lie_in_one_folder(write_images, write_labels, read_objects):
    assert read_objects(write_images("train/a.png"), write_labels({"a.txt": f"0 {BOX}"})) == {
        "train/a": [("bottle", XYXY)]
    }


def test_a_label_file_is_not_given_to_one_of_two_images_of_the_same_name(write_images, write_labels):
    images, labels = write_images("train/a.png", "val/a.png"), write_labels({"a.txt": f"0 {BOX}"})

    with pytest.warns(SonarDebrisWarning), pytest.raises(SonarDebrisError, match="labels: no boxes for the images"):
        read_labels(images, labels)


def test_two_images_with_one_label_file_are_refused(write_images, write_labels):
    images, labels = write_images("a.png", "a.bmp"), write_labels({"a.txt": f"0 {BOX}"})

    with pytest.raises(SonarDebrisError, match=r"labels/a\.txt: belongs to two images, .*a\.bmp and .*a\.png"):
        read_labels(images, labels)


@pytest.mark.parametrize(
    "layout", ["images/{part}/a.png labels/{part}/a.txt", "{part}/images/a.png {part}/labels/a.txt"]
)
@pytest.mark.parametrize("labels", ["folder", "description"])
def test_the_layouts_of_ultralytics(tmp_path, write_images, write_labels, read_objects, layout, labels):
    image, label = layout.split()
    parts = {"train": 0, "val": 1, "test": 1}
    write_images(*(image.format(part=part) for part in parts), folder=".")
    folders = {part: image.format(part=part).removesuffix("/a.png") for part in parts}
    description = f"path: ../datasets/mine\ntrain: {folders['train']}\nval: [{folders['val']}]\nnames: [bottle, tire]\n"
    write_labels({label.format(part=part): f"{k} {BOX}" for part, k in parts.items()}, description, ".")

    objects = read_objects(tmp_path, tmp_path / "data.yaml" if labels == "description" else tmp_path)

    expected = {f"{folders[part]}/a": [(("bottle", "tire")[k], XYXY)] for part, k in parts.items()}
    if labels == "description":
        del expected[f"{folders['test']}/a"]
    assert objects == expected


def test_one_part_of_a_data_set_with_its_description_two_folders_above(
    tmp_path, write_images, write_labels, read_objects
):
    images = write_images("a.png", folder="images/train")
    labels = write_labels({"a.txt": f"1 {BOX}"}, folder="labels/train")

    assert read_objects(images, labels) == {"a": [("tire", XYXY)]}


def test_the_description_may_list_images_in_a_file(tmp_path, write_images, write_labels, read_objects):
    write_images("images/a.png", "images/b.png", folder=".")
    (tmp_path / "train.txt").write_text("./images/b.png\n")
    write_labels(
        {"labels/a.txt": f"0 {BOX}", "labels/b.txt": f"1 {BOX}"}, "train: train.txt\nnames: [bottle, tire]", "."
    )

    assert read_objects(tmp_path, tmp_path / "data.yaml") == {"images/b": [("tire", XYXY)]}


def test_entries_of_roboflow_lead_out_of_the_folder(tmp_path, write_images, write_labels, read_objects):
    write_images("train/images/a.png", folder=".")
    write_labels({"train/labels/a.txt": f"0 {BOX}"}, "train: ../train/images\nnames: [bottle]", ".")

    assert read_objects(tmp_path, tmp_path / "data.yaml") == {"train/images/a": [("bottle", XYXY)]}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("train: nowhere", "'nowhere' (train or val) does not exist"),
        ("train: " + "n" * 5000, "'nnn"),
        ('train: "a\\0b"', "'a\\x00b' (train or val) does not exist"),
        ("train: {a: b}", "path, train and val must be text"),
        ("train: empty", "its entries train and val name no images in"),
    ],
)
def test_entries_of_the_description_that_lead_nowhere_are_refused(tmp_path, write_images, write_labels, entry, reason):
    write_images("a.png")
    (tmp_path / "empty").mkdir()
    write_labels({"a.txt": f"0 {BOX}"}, f"{entry}\nnames: [bottle]")

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(tmp_path / "images", tmp_path / "data.yaml")

    assert str(caught.value).startswith(f"{tmp_path / 'data.yaml'}: {reason}")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("names: [a, b", "not YAML that can be read"),
        ("names: [a\n:::\n", "not YAML that can be read"),
        ("\tnames: [a]", "not YAML that can be read"),
        ("names: !!python/object/apply:os.system ['true']", "not YAML that can be read (the tag"),
        ("x: !!python/object/apply:os.system ['true']\nnames: [a]", "not YAML that can be read (the tag"),
        ("names: [!mine a]", "not YAML that can be read (the tag"),
        (LAUGHS + "names: *i\n", "not YAML that can be read (aliases"),
        (LAUGHS + "names: [bottle]\n", "not YAML that can be read (aliases"),
        ("names: &a [*a]", "not YAML that can be read (aliases"),
        ("names: " + "[" * 100_000, "not YAML that can be read (more than 16 levels)"),
        ("names: " + "{a: " * 50_000, "not YAML that can be read (more than 16 levels)"),
        ("names: " + "[" * 20 + "]" * 20, "not YAML that can be read (more than 16 levels)"),
        ("names: [bottle]\nx: " + "y" * 300_000, "too large for a label file"),
        ("names: [bottle]\nnames: [tire]", "not YAML that can be read (a key occurs twice"),
        ("names: {0: bottle, 0: tire}", "not YAML that can be read (a key occurs twice"),
        ("names: {0: bottle, 00: tire}", "names: the class id 0 occurs twice"),
        ("names: {? [a]: b}", "not YAML that can be read"),
        ("--- a\n--- b\n", "not YAML that can be read"),
        ("names: {a: bottle}", "names: 'a' is not a class id"),
        ("names: {-1: bottle}", "names: '-1' is not a class id"),
        ("names: {1.5: bottle}", "names: '1.5' is not a class id"),
        ("names: {²: bottle}", "names: '²' is not a class id"),
        ("names: [bottle, [tire]]", "names: the name of class id 1 is not text"),
        ("names: [bottle, '']", "class id 1: '' is not a class name"),
        ('names: ["a\\nb", "\\x07"]', "class id 1: '\\x07' is not a class name"),
        ("names: bottle", "no class names"),
        ("names: []", "no class names"),
        ("nc: 3", "no class names"),
        ("", "not a YAML mapping"),
        ("- a\n- b\n", "not a YAML mapping"),
        (b"names: [bou\xe9e]", "not text in UTF-8"),
        (b"names: [a\x00b]", "not YAML that can be read"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_description_that_cannot_be_used_is_refused_quickly(write_images, write_labels, description, reason):
    labels, begin = write_labels({"a.txt": f"0 {BOX}"}, description), time.perf_counter()

    with pytest.raises(SonarDebrisError) as caught:
        read_labels(write_images("a.png"), labels)

    assert str(caught.value).startswith(f"{labels.parent / 'data.yaml'}: {reason}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert time.perf_counter() - begin < 5


def test_the_largest_description_is_read_in_seconds(write_images, write_labels, read_objects):
    description = "names:\n" + "".join(f"  {k}: class {k}\n" for k in range(12_000))
    labels, begin = write_labels({"a.txt": f"11999 {BOX}"}, description), time.perf_counter()

    assert read_objects(write_images("a.png"), labels) == {"a": [("class 11999", XYXY)]}
    assert time.perf_counter() - begin < 10
