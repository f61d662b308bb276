import csv

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.release import crop_class_names, load_crop, read_crops
from sonar_debris.errors import SonarDebrisError


def test_crops_come_in_order_of_class_and_name(tiny_release):
    crops = read_crops(tiny_release)

    assert crop_class_names(tiny_release) == ("bottle", "can")
    assert [crop.name for crop in crops] == [f"{name}-{k}" for name in ("bottle", "can") for k in range(6)]
    assert [crop.class_id for crop in crops] == [0] * 6 + [1] * 6


def test_another_collection_and_files_that_are_no_crops(tmp_path):
    (tmp_path / "turntable-cropped" / "valve").mkdir(parents=True)
    (tmp_path / "turntable-cropped" / "README.txt").touch()
    (tmp_path / "turntable-cropped" / "valve" / "notes.txt").touch()

    assert crop_class_names(tmp_path, "turntable-cropped") == ("valve",)
    assert read_crops(tmp_path, "turntable-cropped") == []


@pytest.mark.parametrize("make", [False, True], ids=["absent", "empty"])
def test_no_crops_say_what_to_give(tmp_path, make):
    if make:
        (tmp_path / "watertank-cropped").mkdir()

    with pytest.raises(SonarDebrisError, match="watertank-cropped: no class folders; give the folder of the public"):
        read_crops(tmp_path)


def test_a_crop_is_turned_counter_clockwise(tmp_path):
    (tmp_path / "watertank-cropped" / "can").mkdir(parents=True)
    cv2.imwrite(
        str(tmp_path / "watertank-cropped" / "can" / "can-0.png"), np.array([[0, 51, 255], [0, 0, 0]], np.uint8)
    )

    (crop,) = read_crops(tmp_path)

    # What lay at the right, far in range, lies at the top.
    np.testing.assert_allclose(load_crop(crop), [[1, 0], [0.2, 0], [0, 0]], atol=1e-6)


def test_a_crop_of_the_turntable_stays_as_it_lies(tmp_path):
    (tmp_path / "turntable-cropped" / "can").mkdir(parents=True)
    pixels = np.array([[0, 51, 255], [0, 0, 0]], np.uint8)
    cv2.imwrite(str(tmp_path / "turntable-cropped" / "can" / "can-0.png"), pixels)

    (crop,) = read_crops(tmp_path, "turntable-cropped")

    np.testing.assert_allclose(load_crop(crop), pixels / 255, atol=1e-6)


def test_the_release(real_data):
    assert len(crop_class_names(real_data)) == 10
    assert len(read_crops(real_data)) == 1980
    assert len(crop_class_names(real_data, "turntable-cropped")) == 18


@pytest.mark.parametrize(("name", "on_turntable"), [("tire", "small-tire"), ("valve", "valve")])
def test_both_collections_lie_the_same_way(real_data, name, on_turntable):
    tank, table = (
        mean_crop(real_data, "watertank-cropped", name),
        mean_crop(real_data, "turntable-cropped", on_turntable),
    )

    correlation = [np.corrcoef(tank.ravel(), np.rot90(table, turns).ravel())[0, 1] for turns in range(4)]

    assert int(np.argmax(correlation)) == 0


def mean_crop(root, collection, name):
    crops = [crop for crop in read_crops(root, collection) if crop.path.parent.name == name]
    return np.mean([cv2.resize(load_crop(crop), (32, 32), interpolation=cv2.INTER_AREA) for crop in crops], axis=0)


@pytest.mark.parametrize("name", ["bottle-0", "chain-1", "drink-carton-0", "hook-0", "standing-bottle-0", "tire-0"])
def test_turned_and_shrunk_a_crop_lies_on_its_frame(real_data, name):
    (crop,) = (crop for crop in read_crops(real_data) if crop.name == name)
    turned = cv2.resize(load_crop(crop), None, fx=0.69, fy=0.70, interpolation=cv2.INTER_AREA)
    frame = frame_of(real_data, name)

    match, upside_down = (cv2.matchTemplate(frame, t, cv2.TM_CCOEFF_NORMED).max() for t in (turned, turned[::-1, ::-1]))

    assert match > 0.8 > 0.7 > upside_down


def frame_of(root, crop_name):
    with (root / "splits" / "crops.csv").open(newline="") as lines:
        (row,) = (row for row in csv.DictReader(lines) if row["crop"] == crop_name)
    path = root / "watertank-segmentation" / "Images" / f"{row['frame']}.png"
    frame = np.float32(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) / 255
    # A flat patch correlates with anything as far as OpenCV is concerned, and outside the fan all is flat.
    return frame + np.random.default_rng(0).normal(0, 0.02, frame.shape).astype(np.float32)
