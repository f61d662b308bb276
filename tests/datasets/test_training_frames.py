import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.training_frames import (
    SIMULATED,
    load_training_frames,
    read_turntable_objects,
    training_frame,
)
from sonar_debris.frames import FrameReadError

NO_BOXES = np.zeros((0, 4), np.float32), np.zeros(0, int)


def test_a_labelled_frame_is_normalised_and_keeps_its_boxes(tmp_path):
    pixels = np.array([[0, 10, 20], [0, 30, 40]], np.uint8)
    cv2.imwrite(str(tmp_path / "ping.png"), pixels)
    labelled = LabelledFrame("ping", tmp_path / "ping.png", np.array([[0, 0, 2, 2]], np.float32), np.array([4]))

    (frame,) = load_training_frames([labelled])

    # Echoes 10 … 40 have mean 25 and deviation √125; the surround is set to the mean.
    np.testing.assert_allclose(frame.image, np.array([[0, -15, -5], [0, 5, 15]]) / np.sqrt(125), atol=1e-5)
    assert frame.image.dtype == np.float32
    np.testing.assert_array_equal(frame.xyxy, labelled.xyxy)
    assert frame.class_id is labelled.class_id


def test_brightness_integrates_echoes_above_the_mean():
    frame = training_frame(np.array([[1, 3], [1, 3]], np.float32), *NO_BOXES)

    np.testing.assert_allclose(frame.brightness, [[0, 0, 0], [0, 0, 1], [0, 0, 2]])


def test_simulated_frames_follow_the_labelled_ones(tiny_release):
    path = tiny_release / "watertank-segmentation" / "Images" / "frame-00.png"
    labelled = LabelledFrame("frame-00", path, *NO_BOXES)
    rng = np.random.default_rng(5)
    images = [rng.integers(1, 256, (480, 320), dtype=np.uint8) for _ in range(2)]
    box, class_id = np.array([[10, 20, 40, 60]], np.float32), np.array([3])
    simulated = [(image, box, class_id) for image in images]

    real, first, second = load_training_frames([labelled], simulated)
    again = load_training_frames([], iter(simulated[:1]))

    assert real.image.shape == (150, 120)
    np.testing.assert_array_equal(again[0].image, first.image)
    assert not np.array_equal(first.image, second.image)
    np.testing.assert_allclose([first.image.mean(), first.image.std()], [0, 1], atol=1e-3)
    assert first.xyxy is box and first.class_id is class_id
    assert (real.scene, first.scene, second.scene) == (0, SIMULATED, SIMULATED)


def test_loading_no_frames():
    assert load_training_frames([]) == []


def test_a_missing_image_is_an_error(tmp_path):
    labelled = LabelledFrame("missing", tmp_path / "missing.png", *NO_BOXES)

    with pytest.raises(FrameReadError, match="missing.png"):
        load_training_frames([labelled])


def write_turntable_crop(root, name, pose, level):
    folder = root / "turntable-cropped" / name
    folder.mkdir(parents=True, exist_ok=True)
    crop = np.full((50, 40), level, np.uint8)
    crop[10:40, 10:30] += 100
    cv2.imwrite(str(folder / f"object-{pose}-frame-000.png"), crop)


def test_turntable_objects_of_the_tanks_classes_become_frames_with_one_box(tmp_path):
    for name, pose in [("can", "standing"), ("wrench", "sideways"), ("plastic-bottle", "sideways")]:
        write_turntable_crop(tmp_path, name, pose, 40)
    write_turntable_crop(tmp_path, "plastic-bottle", "standing", 40)

    can, bottle = read_turntable_objects(tmp_path, CLASS_NAMES)

    assert [CLASS_NAMES[frame.class_id[0]] for frame in (can, bottle)] == ["can", "bottle"]
    left, top, right, bottom = can.xyxy[0].astype(int)
    assert (right - left, bottom - top) == (28, 35)
    assert can.image.shape == (35 + 2 * 7, 28 + 2 * 6)
    assert abs(can.image[top:bottom, left:right].mean()) < 1e-4
    np.testing.assert_allclose(np.ptp(can.image), 100 / 255 / 0.133, rtol=0.05)


def test_turntable_objects_of_the_release(real_data):
    objects = read_turntable_objects(real_data, CLASS_NAMES)

    classes, counts = np.unique([frame.class_id[0] for frame in objects], return_counts=True)
    assert {CLASS_NAMES[class_id] for class_id in classes} == {"bottle", "can", "drink-carton", "tire", "valve"}
    assert counts.min() >= 100
