import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.detectors.single_pass.detector import clip_to_fan

SIDE = 40


def fan(half_width):
    """A triangle that opens upwards, one pixel wide at the bottom."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    return np.float32(np.abs(cols - SIDE // 2) <= half_width * (SIDE - 1 - rows) / SIDE)


@given(st.lists(st.tuples(*[st.floats(-5, SIDE + 5, width=32)] * 4), max_size=5), st.integers(1, SIDE // 2 - 1))
def test_it_is_the_fan_in_the_box(corners, half_width):
    image = fan(half_width)
    boxes = np.float32([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]).reshape(-1, 4)

    clipped = clip_to_fan(boxes, image)

    assert clipped.shape == boxes.shape and clipped.dtype == boxes.dtype
    for (left, top, right, bottom), after in zip(boxes, clipped, strict=True):
        part = np.zeros_like(image, bool)
        part[
            max(0, int(np.floor(top))) : max(0, int(np.ceil(bottom))),
            max(0, int(np.floor(left))) : max(0, int(np.ceil(right))),
        ] = 1
        rows, cols = np.nonzero(part & (image != 0))
        if len(rows):
            tight = [
                max(left, cols.min()),
                max(top, rows.min()),
                min(right, cols.max() + 1),
                min(bottom, rows.max() + 1),
            ]
            assert (after[:2] <= np.float32(tight[:2]) + 1e-4).all() and (
                after[2:] >= np.float32(tight[2:]) - 1e-4
            ).all()
        assert (
            left <= after[0]
            and top <= after[1]
            and after[2] <= max(right, after[0])
            and after[3] <= max(bottom, after[1])
        )


def test_boxes_over_the_arc_beside_the_fan_and_beyond_the_frame():
    image = fan(19)
    image[:8] = 0

    clipped = clip_to_fan(np.float32([[15, -4, 25, 20], [0, 30, 8, 39], [30, 0, 60, 12], [10, 10, 12, 12]]), image)

    assert clipped[0].tolist() == [15, 8, 25, 20]
    assert (clipped[1, 2:] - clipped[1, :2]).min() == 0
    assert clipped[2, 1] == 8 and clipped[2, 2] <= 37
    assert clipped[3].tolist() == [10, 10, 12, 12]


def test_a_frame_without_black_and_one_without_anything():
    boxes = np.float32([[-3, 5, 20, 60]])

    assert clip_to_fan(boxes, np.ones((SIDE, SIDE))).tolist() == [[0, 5, 20, SIDE]]
    assert clip_to_fan(boxes, np.zeros((SIDE, SIDE)))[0, 2] == clip_to_fan(boxes, np.zeros((SIDE, SIDE)))[0, 0]
    assert clip_to_fan(np.zeros((0, 4), np.float32), np.ones((4, 4))).shape == (0, 4)
