from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.proposal_recall import proposal_recall, recall_by_class, recall_curves

TRUE = np.array([[0, 0, 10, 10], [40, 40, 60, 60]], np.float32)
FAR = np.array([100, 100, 120, 120], np.float32)


def labelled(xyxy=TRUE):
    return LabelledFrame("f", Path("f.png"), np.array(xyxy, np.float32).reshape(-1, 4), np.arange(len(xyxy)))


def curves(true, proposals, limits, iou_thresholds):
    xyxy = np.array(proposals, np.float32).reshape(-1, 4)
    score = np.linspace(1, 0, len(xyxy))
    return recall_curves([labelled(true)], [xyxy], [score], limits, np.array(iou_thresholds)).tolist()


def test_recall_grows_with_the_number_of_proposals():
    # the second object is the twelfth proposal
    proposals = np.stack([TRUE[0], *[FAR] * 10, TRUE[1]])

    assert proposal_recall([labelled()], [proposals], [np.linspace(1, 0, 12)]) == {10: 0.5, 30: 1, 60: 1, 100: 1}


def test_the_highest_scores_are_matched_first_in_any_order():
    assert proposal_recall([labelled(TRUE[:1])], [np.stack([FAR, TRUE[0]])], [np.array([0.1, 0.9])], [1]) == {1: 1}


def test_the_limit_is_per_frame():
    frames = [labelled(TRUE[:1]), labelled(TRUE[1:])]

    assert proposal_recall(frames, [TRUE[:1], TRUE[1:]], [np.ones(1), np.ones(1)], [1]) == {1: 1}


@pytest.mark.parametrize(("width", "recall"), [(5, 1), (4.9, 0)])
def test_an_iou_of_one_half_is_a_match(width, recall):
    proposal = np.array([[0, 0, width, 10]])

    assert proposal_recall([labelled(TRUE[:1])], [proposal], [np.ones(1)], [1]) == {1: recall}


def test_no_proposals_recall_nothing():
    assert proposal_recall([labelled()], [np.empty((0, 4))], [np.empty(0)], [10]) == {10: 0}


def test_recall_of_a_class_by_proposals_of_any_class():
    # The first object is of class 0 and the second of class 1; only the second is proposed, in one of two frames.
    frames = [labelled(), labelled(TRUE[:0])]

    recall = recall_by_class(frames, [TRUE[1:], TRUE[1:]], [np.ones(1), np.ones(1)], ("can", "tire", "wall"), [1])

    assert recall == {"can": {1: 0}, "tire": {1: 1}}  # no frame shows a wall


def test_recall_by_iou_and_number():
    # the first proposal overlaps the first object by 0.8, the second fits the second object
    proposals = [[0, 0, 8, 10], TRUE[1]]

    assert curves(TRUE, proposals, [1, 2, 5000], [0.5, 0.9]) == [[0.5, 1, 1], [0, 0.5, 0.5]]


def test_a_proposal_matches_one_object_at_most():
    assert curves([TRUE[0], TRUE[0]], [TRUE[0]], [10], [0.5]) == [[0.5]]


def test_the_iou_thresholds_of_coco_are_the_default():
    # 0.72 of each object: IoU 0.5 to 0.7 of 0.5 to 0.95
    shrunk = np.array([[0, 0, 7.2, 10], [40, 40, 60, 54.4]])
    recall = recall_curves([labelled()], [shrunk], [np.ones(2)], [2])

    np.testing.assert_array_equal(recall[:, 0], [1] * 5 + [0] * 5)


def test_no_proposals_recall_nothing_at_any_iou():
    assert curves(TRUE, [], [1, 10], [0.5, 0.7]) == [[0, 0], [0, 0]]


def test_frames_without_objects_cannot_be_scored():
    with pytest.raises(SonarDebrisError, match="no labelled box"):
        curves([], TRUE, [1], [0.5])
