import numpy as np

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.sliding_window import training as mining
from sonar_debris.detectors.sliding_window.training import FRAME_STRIDE, mine_proposals, refine_proposals


def blank_frames(count):
    return [
        TrainingFrame(np.full((40, 60), number, np.float32), np.zeros((0, 4)), np.zeros(0, int))
        for number in range(count)
    ]


def test_one_frame_in_a_few_gets_proposals(monkeypatch):
    """The proposals of a frame carry its number, so that none can get another's."""
    monkeypatch.setattr(mining, "make_dense", lambda network, step: network)
    monkeypatch.setattr(mining, "propose", lambda dense, images, *_: [np.full((2, 4), image[0, 0]) for image in images])

    mined = mine_proposals(None, blank_frames(2 * FRAME_STRIDE))

    assert [len(frame.proposals) for frame in mined] == [2, *[0] * (FRAME_STRIDE - 1)] * 2
    assert (mined[FRAME_STRIDE].proposals == FRAME_STRIDE).all()


def test_no_frames():
    assert refine_proposals(None, []) == []


def test_proposals_give_way_to_refined_boxes(monkeypatch):
    monkeypatch.setattr(mining, "refine", lambda network, images, proposals, context: ([proposals[0] + 1], None))
    frame = TrainingFrame(*[np.zeros((4, 4))] * 3, proposals=np.zeros((3, 4)))

    (refined,) = refine_proposals(None, [frame])

    np.testing.assert_array_equal(refined.proposals, np.ones((3, 4)))
