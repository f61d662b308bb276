from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.proposal_recall import recall_curves

TRUE = np.array([[0, 0, 10, 10], [40, 40, 60, 60]], np.float32)


def curves(true, proposals, limits, iou) -> list:
    frame = LabelledFrame("f", Path("f.png"), np.array(true, np.float32).reshape(-1, 4), np.arange(len(true)))
    xyxy = np.array(proposals, np.float32).reshape(-1, 4)
    return recall_curves([frame], [xyxy], [np.linspace(1, 0, len(xyxy))], limits, np.array(iou)).tolist()


def test_recall_by_overlap_and_number():
    # the first proposal covers 0.8 of the first object, the second fits the second object
    proposals = [[0, 0, 8, 10], TRUE[1]]

    assert curves(TRUE, proposals, [1, 2, 5000], [0.5, 0.9]) == [[0.5, 1, 1], [0, 0.5, 0.5]]


def test_a_proposal_covers_one_object_at_most():
    assert curves([TRUE[0], TRUE[0]], [TRUE[0]], [10], [0.5]) == [[0.5]]


def test_all_coco_overlaps_by_default():
    frame = LabelledFrame("f", Path("f.png"), TRUE, np.arange(2))

    # 0.72 of each object: IoU 0.5 to 0.7 of 0.5 to 0.95
    shrunk = np.array([[0, 0, 7.2, 10], [40, 40, 60, 54.4]])
    recall = recall_curves([frame], [shrunk], [np.ones(2)], [2])

    np.testing.assert_array_equal(recall[:, 0], [1] * 5 + [0] * 5)


def test_no_proposals_recall_nothing():
    assert curves(TRUE, [], [1, 10], [0.5, 0.7]) == [[0, 0], [0, 0]]


def test_frames_without_objects_cannot_be_scored():
    with pytest.raises(SonarDebrisError, match="no labelled box"):
        curves([], TRUE, [1], [0.5])
