import csv

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES, crop_class_names, load_crop, read_crops, read_watertank
from sonar_debris.errors import SonarDebrisError

BOX = "<bndbox><x>3</x><y>5</y><w>10</w><h>20.5</h></bndbox>"
PIXELS = np.array([[0, 51, 255], [0, 0, 0]], np.uint8)


def write_annotation(root, name, xml):
    folder = root / "watertank-segmentation" / "BoxAnnotations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.xml").write_text(xml)
    return folder / f"{name}.xml"


def write_can(root, collection):
    folder = root / collection / "can"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "can-0.png"), PIXELS)


def test_xywh_becomes_corners_and_names_become_class_indices(tmp_path):
    other = BOX.replace("<x>3<", "<x>0<")
    objects = f"<object><name>Drink-carton</name>{BOX}</object><object><name>wall</name>{other}</object>"
    write_annotation(tmp_path, "ping", f"<annotation>{objects}</annotation>")

    (frame,) = read_watertank(tmp_path)

    np.testing.assert_array_equal(frame.xyxy, [[3, 5, 13, 25.5], [0, 5, 10, 25.5]])
    assert [CLASS_NAMES[class_id] for class_id in frame.class_id] == ["drink-carton", "wall"]
    assert (frame.xyxy.dtype, frame.class_id.dtype) == (np.float32, np.int64)
    assert (frame.name, frame.path) == ("ping", tmp_path / "watertank-segmentation" / "Images" / "ping.png")


def test_frames_are_sorted_by_name(tmp_path):
    for name in ("b", "c", "a"):
        write_annotation(tmp_path, name, "<annotation/>")

    assert [frame.name for frame in read_watertank(tmp_path)] == ["a", "b", "c"]


def test_a_frame_without_objects_has_no_boxes(tmp_path):
    write_annotation(tmp_path, "empty", "<annotation></annotation>")

    (frame,) = read_watertank(tmp_path)

    assert (frame.xyxy.shape, frame.class_id.shape) == ((0, 4), (0,))


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<annotation><object>",
        f"<annotation><object><name>Submarine</name>{BOX}</object></annotation>",
        f"<annotation><object>{BOX}</object></annotation>",
        "<annotation><object><name>Can</name></object></annotation>",
        f"<annotation><object><name>Can</name>{BOX.replace('10', 'wide')}</object></annotation>",
    ],
    ids=["empty", "truncated", "unknown-class", "no-name", "no-box", "no-number"],
)
def test_a_damaged_annotation_is_reported_with_its_path(tmp_path, xml):
    path = write_annotation(tmp_path, "damaged", xml)

    with pytest.raises(SonarDebrisError) as caught:
        read_watertank(tmp_path)

    assert str(caught.value).startswith(f"{path}: not an annotation of the watertank release")
    assert "\n" not in str(caught.value)


def test_a_folder_without_annotations_is_an_error(tmp_path):
    with pytest.raises(SonarDebrisError, match="no BoxAnnotations/.*; give the folder of the public release"):
        read_watertank(tmp_path)


def test_frames_of_the_release(real_data):
    frames = read_watertank(real_data)

    assert len(frames) == 1569
    assert all(frame.path.is_file() for frame in frames)
    xyxy = np.concatenate([frame.xyxy for frame in frames])
    assert (xyxy[:, 2:] > xyxy[:, :2]).all()
    # Frames are 320 wide and 480 high. Were w and h read as xmax and ymax, they would often be less than x and y.
    assert (xyxy[:, :2] >= 0).all() and (xyxy[:, 2:] <= [321, 481]).all()
    assert set(np.concatenate([frame.class_id for frame in frames])) == set(range(11))


def test_crops_are_sorted_by_class_and_name(tiny_release):
    crops = read_crops(tiny_release)

    assert crop_class_names(tiny_release) == ("bottle", "can")
    assert [crop.name for crop in crops] == [f"{name}-{k}" for name in ("bottle", "can") for k in range(6)]
    assert [crop.class_id for crop in crops] == [0] * 6 + [1] * 6


def test_files_that_are_not_crops_are_skipped(tmp_path):
    (tmp_path / "turntable-cropped" / "valve").mkdir(parents=True)
    (tmp_path / "turntable-cropped" / "README.txt").touch()
    (tmp_path / "turntable-cropped" / "valve" / "notes.txt").touch()

    assert crop_class_names(tmp_path, "turntable-cropped") == ("valve",)
    assert read_crops(tmp_path, "turntable-cropped") == []


@pytest.mark.parametrize("exists", [False, True], ids=["absent", "empty"])
def test_a_folder_without_crops_is_an_error(tmp_path, exists):
    if exists:
        (tmp_path / "watertank-cropped").mkdir()

    with pytest.raises(SonarDebrisError, match="watertank-cropped: no class folders; give the folder of the public"):
        read_crops(tmp_path)


def test_a_watertank_crop_is_turned_counter_clockwise(tmp_path):
    write_can(tmp_path, "watertank-cropped")

    (crop,) = read_crops(tmp_path)

    # The right column, far in range, becomes the top row.
    np.testing.assert_allclose(load_crop(crop), [[1, 0], [0.2, 0], [0, 0]], atol=1e-6)


def test_a_turntable_crop_is_not_turned(tmp_path):
    write_can(tmp_path, "turntable-cropped")

    (crop,) = read_crops(tmp_path, "turntable-cropped")

    np.testing.assert_allclose(load_crop(crop), PIXELS / 255, atol=1e-6)


def test_crops_of_the_release(real_data):
    assert len(crop_class_names(real_data)) == 10
    assert len(read_crops(real_data)) == 1980
    assert len(crop_class_names(real_data, "turntable-cropped")) == 18


@pytest.mark.parametrize(("tank_name", "turntable_name"), [("tire", "small-tire"), ("valve", "valve")])
def test_both_collections_have_the_same_orientation(real_data, tank_name, turntable_name):
    tank = mean_crop(real_data, "watertank-cropped", tank_name)
    turntable = mean_crop(real_data, "turntable-cropped", turntable_name)

    correlation = [np.corrcoef(tank.ravel(), np.rot90(turntable, turns).ravel())[0, 1] for turns in range(4)]

    assert int(np.argmax(correlation)) == 0


def mean_crop(root, collection, name):
    crops = [crop for crop in read_crops(root, collection) if crop.path.parent.name == name]
    return np.mean([cv2.resize(load_crop(crop), (32, 32), interpolation=cv2.INTER_AREA) for crop in crops], axis=0)


@pytest.mark.parametrize("name", ["bottle-0", "chain-1", "drink-carton-0", "hook-0", "standing-bottle-0", "tire-0"])
def test_a_turned_and_shrunk_crop_matches_its_frame(real_data, name):
    (crop,) = (crop for crop in read_crops(real_data) if crop.name == name)
    turned = cv2.resize(load_crop(crop), None, fx=0.69, fy=0.70, interpolation=cv2.INTER_AREA)
    frame = frame_of_crop(real_data, name)

    upright, upside_down = (
        cv2.matchTemplate(frame, template, cv2.TM_CCOEFF_NORMED).max() for template in (turned, turned[::-1, ::-1])
    )

    assert upright > 0.8 > 0.7 > upside_down


def frame_of_crop(root, crop_name):
    with (root / "splits" / "crops.csv").open(newline="") as lines:
        (row,) = (row for row in csv.DictReader(lines) if row["crop"] == crop_name)
    path = root / "watertank-segmentation" / "Images" / f"{row['frame']}.png"
    frame = np.float32(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) / 255
    # OpenCV gives a flat patch a high correlation with any template, and the surround of the fan is flat.
    return frame + np.random.default_rng(0).normal(0, 0.02, frame.shape).astype(np.float32)
