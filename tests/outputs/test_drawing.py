import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.outputs.pictures import class_colour, draw_detections

NAMES = ("can", "shampoo-bottle", "unknown")


def detections(*boxes, class_id=0) -> Detections:
    count = len(boxes)
    ones = np.ones(count, np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), ones, np.full(count, class_id), ones, NAMES)


def test_no_detections_leave_the_frame_grey():
    image = np.linspace(0, 1, 200 * 300, dtype=np.float32).reshape(200, 300)

    picture = draw_detections(image, detections())

    assert picture.shape == (200, 300, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, (image * 255).astype(np.uint8)[..., None].repeat(3, axis=2))


def test_box_lies_where_the_detection_is():
    picture = draw_detections(np.zeros((300, 300), np.float32), detections([100, 150, 140, 200], class_id=1))

    rows, cols = np.nonzero((picture == class_colour(1, 3)).all(axis=2))
    assert rows.max() == 199
    assert cols.min() == 100
    assert not picture[152:198, 102:138].any()  # the object itself stays to be seen


def test_input_is_left_untouched():
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
def test_brightness(low, high, white):
    image = np.full((200, 200), low, np.float32)
    image[0, 0] = high

    picture = draw_detections(image, detections())

    assert picture[0, 0, 0] == white
    assert picture[1, 1, 0] == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 1), (200, 200)),
        ((64, 96), (256, 384)),
        ((199, 400), (398, 800)),
        ((200, 200), (200, 200)),
        ((480, 320), (480, 320)),
        ((1, 900), (2, 1800)),  # not to monstrous width
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
def test_labels_stay_inside(box):
    picture = draw_detections(np.zeros((300, 300), np.float32), detections(box, class_id=1))
    elsewhere = draw_detections(np.zeros((300, 300), np.float32), detections([100, 100, 101, 101], class_id=1))

    assert dark_ink(picture) == pytest.approx(dark_ink(elsewhere), abs=3)


def dark_ink(picture: np.ndarray) -> int:
    """Count the pixels of letters: neither the frame's black nor the label's plain colour."""
    return int((picture.any(axis=2) & (picture != class_colour(1, 3)).any(axis=2)).sum())


def test_classes_have_colours_of_their_own():
    colours = [class_colour(i, 12) for i in range(12)]

    assert len(set(colours)) == 12
    assert len(set(colours[-1])) == 1  # unknown is grey
