import numpy as np
import pytest

from sonar_debris.boxes import (
    apply_offsets,
    area,
    centre_and_extent,
    clip,
    from_centre_and_extent,
    intersection_over_smaller,
    iou,
    non_maximum_suppression,
    suppress_by_class,
)

EMPTY = np.zeros((0, 4), np.float32)


def boxes(*xyxy) -> np.ndarray:
    return np.array(xyxy, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((1, 2, 4, 6), 12),
        ((1, 2, 1, 6), 0),  # no width
        ((4, 6, 1, 2), 0),  # inverted: not (-3) · (-4)
    ],
)
def test_area(box, expected):
    assert area(boxes(box)) == [expected]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (5, 5, 15, 15), 25 / 175),
        ((0, 0, 10, 10), (2, 2, 7, 6), 20 / 100),  # inside
        ((0, 0, 10, 10), (10, 0, 20, 10), 0),  # side by side
        ((0, 0, 10, 10), (20, 20, 30, 30), 0),
        ((3, 3, 3, 3), (3, 3, 3, 3), 0),  # both empty: 0, not 0 / 0
    ],
)
def test_iou(a, b, expected):
    assert iou(boxes(a), boxes(b)) == pytest.approx(expected)
    assert iou(boxes(b), boxes(a)) == pytest.approx(expected)


def test_iou_is_of_every_pair():
    overlap = iou(boxes((0, 0, 2, 2), (4, 4, 6, 6)), boxes((0, 0, 2, 2), (0, 0, 2, 1), (4, 4, 6, 6)))

    np.testing.assert_allclose(overlap, [[1, 0.5, 0], [0, 0, 1]])


@pytest.mark.parametrize(("count_a", "count_b"), [(0, 0), (0, 3), (2, 0)])
def test_iou_of_no_boxes(count_a, count_b):
    assert iou(np.ones((count_a, 4)), np.ones((count_b, 4))).shape == (count_a, count_b)


@pytest.mark.parametrize(
    ("threshold", "kept"),
    [
        (0.3, [1, 3]),  # box 0 overlaps box 1 by 1/3, box 2 overlaps box 1 by 0.6
        (0.5, [1, 3, 0]),
        (0.7, [1, 2, 3, 0]),
    ],
)
def test_suppression_keeps_the_better_of_two(threshold, kept):
    #           x:   0-10             5-15             5-11 of 10      far off
    xyxy = boxes((0, 0, 10, 10), (5, 0, 15, 10), (5, 0, 11, 10), (50, 50, 60, 60))
    score = np.array([0.6, 0.9, 0.8, 0.7])

    np.testing.assert_array_equal(non_maximum_suppression(xyxy, score, threshold), kept)


def test_suppressed_box_suppresses_none():
    """A chain: the middle box goes for the first, so the last one, which overlaps the middle alone, stays."""
    xyxy = boxes((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))

    np.testing.assert_array_equal(non_maximum_suppression(xyxy, np.array([0.9, 0.8, 0.7]), 0.4), [0, 2])


def test_first_of_equal_boxes_stays():
    xyxy = boxes((0, 0, 10, 10), (0, 0, 10, 10))

    np.testing.assert_array_equal(non_maximum_suppression(xyxy, np.array([0.5, 0.5]), 0.5), [0])


def test_suppression_of_no_boxes_gives_indices():
    kept = non_maximum_suppression(EMPTY, np.zeros(0), 0.5)

    assert kept.shape == (0,)
    assert EMPTY[kept].shape == (0, 4)


def test_boxes_of_other_classes_suppress_none():
    xyxy = boxes((0, 0, 10, 10), (1, 0, 11, 10), (1, 0, 11, 10), (0, 0, 640, 480))
    class_id, score = np.array([2, 0, 2, 1]), np.array([0.9, 0.8, 0.7, 0.6])

    assert suppress_by_class(xyxy, class_id, score, 0.5).tolist() == [0, 1, 3]
    assert suppress_by_class(EMPTY, class_id[:0], score[:0], 0.5).tolist() == []


def test_clip_keeps_to_the_border():
    clipped = clip(boxes((-5, -5, 50, 50), (2, 3, 4, 5), (40, 40, 50, 50)), (20, 30))

    np.testing.assert_array_equal(clipped, boxes((0, 0, 30, 20), (2, 3, 4, 5), (30, 20, 30, 20)))
    assert clipped.dtype == np.float32


def test_centre_and_extent():
    centre, extent = centre_and_extent(boxes((10, 20, 14, 28)))

    np.testing.assert_array_equal(centre, [[12, 24]])
    np.testing.assert_array_equal(extent, [[4, 8]])
    np.testing.assert_array_equal(from_centre_and_extent(centre, extent), boxes((10, 20, 14, 28)))


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0, 0, 0, 0), (10, 20, 14, 28)),
        ((0.5, -0.25, 0, 0), (12, 18, 16, 26)),  # half a width to the right, a quarter height up
        ((0, 0, np.log(2), np.log(0.5)), (8, 22, 16, 26)),  # twice as wide, half as high, about the same centre
    ],
)
def test_offsets_move_and_stretch(offsets, expected):
    moved = apply_offsets(boxes((10, 20, 14, 28)), np.array([offsets], np.float32))

    np.testing.assert_allclose(moved, boxes(expected), rtol=1e-6)


def test_offsets_between_two_boxes_lead_from_one_to_the_other():
    (centre, extent), (aim, size) = map(centre_and_extent, (boxes((10, 20, 14, 28)), boxes((3, 2, 33, 12))))
    offsets = np.concatenate([(aim - centre) / extent, np.log(size / extent)], axis=1)

    np.testing.assert_allclose(apply_offsets(boxes((10, 20, 14, 28)), offsets), boxes((3, 2, 33, 12)), rtol=1e-5)


def test_no_boxes_stay_none():
    assert area(EMPTY).shape == (0,)
    assert clip(EMPTY, (4, 5)).shape == (0, 4)
    assert apply_offsets(EMPTY, EMPTY).shape == (0, 4)
    assert from_centre_and_extent(*centre_and_extent(EMPTY)).shape == (0, 4)


def test_the_share_of_the_smaller_box():
    shares = intersection_over_smaller(
        boxes((0, 0, 4, 4)), boxes((1, 1, 2, 2), (3, 0, 5, 4), (9, 9, 10, 10), (1, 1, 1, 1))
    )

    assert shares.tolist() == [[1, 0.5, 0, 0]]


def test_suppression_by_another_measure():
    xyxy, score = boxes((0, 0, 10, 10), (1, 1, 3, 3), (20, 0, 30, 10)), np.array([0.9, 0.8, 0.7])

    assert non_maximum_suppression(xyxy, score, 0.5).tolist() == [0, 1, 2]
    assert non_maximum_suppression(xyxy, score, 0.5, intersection_over_smaller).tolist() == [0, 2]
