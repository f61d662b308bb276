import cv2
import numpy as np

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.training_frames import read_turntable_objects


def write(root, name, pose, level):
    folder = root / "turntable-cropped" / name
    folder.mkdir(parents=True, exist_ok=True)
    crop = np.full((50, 40), level, np.uint8)
    crop[10:40, 10:30] += 100
    cv2.imwrite(str(folder / f"object-{pose}-frame-000.png"), crop)


def test_objects_of_the_tanks_classes_as_frames_with_one_box(tmp_path):
    for name, pose in [("can", "standing"), ("wrench", "sideways"), ("plastic-bottle", "sideways")]:
        write(tmp_path, name, pose, 40)
    write(tmp_path, "plastic-bottle", "standing", 40)

    can, bottle = read_turntable_objects(tmp_path, CLASS_NAMES)

    assert [CLASS_NAMES[frame.class_id[0]] for frame in (can, bottle)] == ["can", "bottle"]
    left, top, right, bottom = can.xyxy[0].astype(int)
    assert (right - left, bottom - top) == (28, 35)
    assert can.image.shape == (35 + 2 * 7, 28 + 2 * 6)
    assert abs(can.image[top:bottom, left:right].mean()) < 1e-4
    np.testing.assert_allclose(np.ptp(can.image), 100 / 255 / 0.133, rtol=0.05)


def test_the_release(real_data):
    objects = read_turntable_objects(real_data, CLASS_NAMES)

    classes, counts = np.unique([frame.class_id[0] for frame in objects], return_counts=True)
    assert {CLASS_NAMES[k] for k in classes} == {"bottle", "can", "drink-carton", "tire", "valve"}
    assert counts.min() >= 100
