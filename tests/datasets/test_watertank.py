import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES, read_watertank
from sonar_debris.errors import SonarDebrisError

BOX = "<bndbox><x>3</x><y>5</y><w>10</w><h>20.5</h></bndbox>"


def write(root, name, xml):
    folder = root / "watertank-segmentation" / "BoxAnnotations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.xml").write_text(xml)
    return folder / f"{name}.xml"


def test_boxes_are_corners_and_names_are_classes(tmp_path):
    other = BOX.replace("<x>3<", "<x>0<")
    objects = f"<object><name>Drink-carton</name>{BOX}</object><object><name>wall</name>{other}</object>"
    write(tmp_path, "ping", f"<annotation>{objects}</annotation>")

    (frame,) = read_watertank(tmp_path)

    np.testing.assert_array_equal(frame.xyxy, [[3, 5, 13, 25.5], [0, 5, 10, 25.5]])
    assert [CLASS_NAMES[number] for number in frame.class_id] == ["drink-carton", "wall"]
    assert (frame.xyxy.dtype, frame.class_id.dtype) == (np.float32, np.int64)
    assert (frame.name, frame.path) == ("ping", tmp_path / "watertank-segmentation" / "Images" / "ping.png")


def test_frames_come_in_order_of_name(tmp_path):
    for name in ("b", "c", "a"):
        write(tmp_path, name, "<annotation/>")

    assert [frame.name for frame in read_watertank(tmp_path)] == ["a", "b", "c"]


def test_a_frame_without_objects(tmp_path):
    write(tmp_path, "empty", "<annotation></annotation>")

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
def test_a_damaged_annotation_is_named(tmp_path, xml):
    path = write(tmp_path, "damaged", xml)

    with pytest.raises(SonarDebrisError) as caught:
        read_watertank(tmp_path)

    assert str(caught.value).startswith(f"{path}: not an annotation of the watertank release")
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_release(tmp_path):
    with pytest.raises(SonarDebrisError, match="no BoxAnnotations/.*; give the folder of the public release"):
        read_watertank(tmp_path)


def test_the_release(real_data):
    frames = read_watertank(real_data)

    assert len(frames) == 1569
    assert all(frame.path.is_file() for frame in frames)
    xyxy = np.concatenate([frame.xyxy for frame in frames])
    assert (xyxy[:, 2:] > xyxy[:, :2]).all()
    # Frames are 320 wide and 480 high; read as xmin … ymax, w and h would lie left of and above x and y.
    assert (xyxy[:, :2] >= 0).all() and (xyxy[:, 2:] <= [321, 481]).all()
    assert set(np.concatenate([frame.class_id for frame in frames])) == set(range(11))
