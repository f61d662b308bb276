from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.frames import open_frames
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.pictures import PictureFolder, class_colour, draw_detections, picture_stem, to_uint8

NAMES = ("can", "shampoo-bottle", "unknown")


def detections(*boxes, class_id=0, alternative=False) -> Detections:
    count = len(boxes)
    ones = np.ones(count, np.float32)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        ones,
        np.full(count, class_id),
        ones,
        NAMES,
        np.full(count, alternative),
    )


def test_frame_without_detections_stays_grey():
    image = np.linspace(0, 1, 200 * 300, dtype=np.float32).reshape(200, 300)

    picture = draw_detections(image, detections())

    assert picture.shape == (200, 300, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, (image * 255).astype(np.uint8)[..., None].repeat(3, axis=2))


def test_box_is_drawn_around_the_detection():
    picture = draw_detections(np.zeros((300, 300), np.float32), detections([100, 150, 140, 200], class_id=1))

    rows, cols = np.nonzero((picture == class_colour(1, 3)).all(axis=2))
    assert rows.max() == 199
    assert cols.min() == 100
    assert not picture[152:198, 102:138].any()  # the object itself stays visible


def test_alternative_labels_are_not_drawn():
    image = np.full((300, 300), 0.5, np.float32)

    picture = draw_detections(image, detections([10, 10, 90, 90], alternative=True))

    np.testing.assert_array_equal(picture, draw_detections(image, detections()))


def test_input_is_not_changed():
    image = np.full((300, 300), 0.5, np.float32)

    draw_detections(image, detections([10, 10, 90, 90]))

    assert (image == 0.5).all()


@pytest.mark.parametrize(
    ("low", "high", "white"),
    [
        (0.0, 0.06, 255),  # 12-bit data in a 16-bit file: its maximum is white
        (0.0, 4000.0, 255),  # a float source: its maximum is white
        (-5.0, 1.0, 255),  # negative values are black
        (0.0, 0.0, 0),
        (-2.0, -1.0, 0),
    ],
)
def test_brightest_pixel_is_white_and_negative_ones_are_black(low, high, white):
    image = np.full((200, 200), low, np.float32)
    image[0, 0] = high

    picture = draw_detections(image, detections())

    assert picture[0, 0, 0] == white
    assert picture[1, 1, 0] == 0
    assert (to_uint8(image)[0, 0], to_uint8(image)[1, 1]) == (white, 0)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1), (200, 200)),
        ((64, 96), (256, 384)),
        ((199, 400), (398, 800)),
        ((200, 200), (200, 200)),
        ((480, 320), (480, 320)),
        ((1, 900), (2, 1800)),  # the longer side does not exceed MAX_SIDE
        ((1, 5000), (1, 5000)),
    ],
)
def test_small_frames_are_enlarged(shape, expected):
    assert draw_detections(np.ones(shape, np.float32), detections()).shape[:2] == expected


@pytest.mark.parametrize(
    "box",
    [
        [0, 0, 20, 20],  # no room above
        [280, 280, 300, 300],  # no room to the right
        [0, 0, 300, 300],
        [-30, -30, 330, 330],  # over the edge on all sides
    ],
)
def test_labels_stay_inside_the_picture(box):
    picture = draw_detections(np.zeros((300, 300), np.float32), detections(box, class_id=1))
    central = draw_detections(np.zeros((300, 300), np.float32), detections([100, 100, 101, 101], class_id=1))

    assert dark_ink(picture) == pytest.approx(dark_ink(central), abs=3)


def dark_ink(picture: np.ndarray) -> int:
    """Count the pixels of letters: neither the frame's black nor the label's plain colour."""
    return int((picture.any(axis=2) & (picture != class_colour(1, 3)).any(axis=2)).sum())


def test_each_class_has_its_own_colour():
    colours = [class_colour(i, 12) for i in range(12)]

    assert len(set(colours)) == 12
    assert len(set(colours[-1])) == 1  # unknown is grey


def frame(name: str, brightness: float = 0.0, index: int = 0) -> Frame:
    return Frame(np.full((200, 200), brightness, np.float32), Path(name), name, index)


def files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("name", "index", "expected"),
    [
        ("ping.png", 0, "ping"),
        ("day 1/ping.tiff", 0, "day 1/ping"),
        ("ping.2.png", 0, "ping.2"),
        ("dive.aris", 12, "dive-000012"),
        ("/data/dive/ping.png", 0, "ping"),
        ("../../ping.png", 0, "ping"),
        ("dive/../../ping.png", 0, "ping"),
        ("./ping.png", 0, "ping"),
    ],
)
def test_picture_is_named_after_the_frame(name, index, expected):
    assert picture_stem(name, index) == expected


def test_frames_with_the_same_name_get_different_pictures(tmp_path):
    pictures = PictureFolder(tmp_path)
    for brightness, name in [(0.0, "a.png"), (1.0, "a.png"), (0.0, "A.bmp"), (0.0, "sub/a.png")]:
        pictures.add(frame(name, brightness), detections())

    assert files(tmp_path) == ["A-3.png", "a-2.png", "a.png", "sub/a.png"]
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0, 0] == 0
    assert cv2.imread(str(tmp_path / "a-2.png"))[0, 0, 0] == 255


@pytest.mark.parametrize("name", ["../../out.png", "/out.png", "a/../../../out.png"])
def test_no_picture_is_written_outside_the_folder(name, tmp_path):
    folder = tmp_path / "results" / "annotated"
    PictureFolder(folder).add(frame(name), detections())

    assert files(tmp_path) == ["results/annotated/out.png"]


def test_the_pictures_of_a_recording_sort_in_the_order_of_its_frames(tmp_path):
    np.save(tmp_path / "dive.npy", np.zeros((12, 20, 30), np.uint8))
    np.save(tmp_path / "ping.npy", np.zeros((20, 30), np.uint8))
    pictures = PictureFolder(tmp_path / "annotated")
    for path in (tmp_path / "dive.npy", tmp_path / "ping.npy"):
        for read_frame in open_frames(path):
            pictures.add(read_frame, detections())

    names = [f"dive-{index:06d}.png" for index in range(12)]
    assert files(tmp_path / "annotated") == [*names, "ping.png"]
