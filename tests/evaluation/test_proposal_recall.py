from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.evaluation.proposal_recall import proposal_recall, recall_by_class

TRUE = np.array([[0, 0, 10, 10], [40, 40, 60, 60]], np.float32)
FAR = np.array([100, 100, 120, 120], np.float32)


def frame(xyxy=TRUE):
    return LabelledFrame("f", Path("f.png"), xyxy, np.arange(len(xyxy)))


def test_recall_grows_with_the_number_of_proposals():
    # the second object is the twelfth proposal
    proposals = np.stack([TRUE[0], *[FAR] * 10, TRUE[1]])

    assert proposal_recall([frame()], [proposals], [np.linspace(1, 0, 12)]) == {10: 0.5, 30: 1, 60: 1, 100: 1}


def test_best_scores_are_looked_at_first_in_whatever_order_they_come():
    assert proposal_recall([frame(TRUE[:1])], [np.stack([FAR, TRUE[0]])], [np.array([0.1, 0.9])], [1]) == {1: 1}


def test_limit_is_one_of_each_frame():
    frames = [frame(TRUE[:1]), frame(TRUE[1:])]

    assert proposal_recall(frames, [TRUE[:1], TRUE[1:]], [np.ones(1), np.ones(1)], [1]) == {1: 1}


@pytest.mark.parametrize(("width", "recall"), [(5, 1), (4.9, 0)])
def test_half_an_overlap_is_enough(width, recall):
    proposal = np.array([[0, 0, width, 10]])

    assert proposal_recall([frame(TRUE[:1])], [proposal], [np.ones(1)], [1]) == {1: recall}


def test_no_proposals_recall_nothing():
    assert proposal_recall([frame()], [np.empty((0, 4))], [np.empty(0)], [10]) == {10: 0}


def test_recall_of_a_class_by_proposals_of_any():
    # The first object is of class 0 and the second of class 1; only the second is proposed, once in two frames.
    frames = [frame(), frame(TRUE[:0])]

    recall = recall_by_class(frames, [TRUE[1:], TRUE[1:]], [np.ones(1), np.ones(1)], ("can", "tire", "wall"), [1])

    assert recall == {"can": {1: 0}, "tire": {1: 1}}  # of a class that no frame shows nothing is said
