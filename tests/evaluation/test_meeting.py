import numpy as np
import pytest

from sonar_debris.evaluation.matching import greedy_match

TRUE = np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32)


@pytest.mark.parametrize(
    ("boxes", "met"),
    [
        ([], []),
        (TRUE, [0, 1]),
        (TRUE[::-1], [1, 0]),
        ([TRUE[0], TRUE[0] + 1], [0, -1]),  # an object is met once
        ([[0, 0, 10, 5], [20, 20, 40, 29]], [0, -1]),  # IoU 0.5 is met, 0.45 is not
    ],
)
def test_each_box_meets_the_object_that_it_overlaps_most(boxes, met):
    assert greedy_match(TRUE, np.array(boxes, np.float32).reshape(-1, 4)).tolist() == met


def test_where_there_is_no_object_none_is_met():
    assert greedy_match(TRUE[:0], TRUE).tolist() == [-1, -1]
