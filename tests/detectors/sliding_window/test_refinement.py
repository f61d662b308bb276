import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.proposals import MAX_LOG_STRETCH, MIN_SIDE, refine

EMPTY = np.zeros((0, 4), np.float32)
IMAGE = np.zeros((100, 150), np.float32)


class FakeRefiner:
    """Answers every crop with the same offsets and the crop's mean as expected IoU."""

    input_shape = (None, 64, 64, 1)

    def __init__(self, *offsets):
        self.offsets = offsets

    def predict(self, crops: np.ndarray, batch_size: int, verbose: int) -> np.ndarray:
        assert crops.shape[1:] == self.input_shape[1:]
        offsets = np.tile(np.float32(self.offsets), (len(crops), 1))
        return np.column_stack([offsets, crops.mean(axis=(1, 2, 3))]).astype(np.float32)


STILL = FakeRefiner(0, 0, 0, 0)


def boxes(*xyxy) -> np.ndarray:
    return np.array(xyxy, np.float32).reshape(-1, 4)


def test_zero_offsets_only_clip():
    (refined,), (score,) = refine(STILL, [IMAGE], [boxes((10, 20, 50, 60), (-10, 80, 40, 130))], 1.6)

    np.testing.assert_allclose(refined, [[10, 20, 50, 60], [0, 80, 40, 100]], atol=1e-4)
    assert refined.dtype == np.float32
    assert score.shape == (2,)


def test_offsets_are_applied():
    (refined,), _ = refine(FakeRefiner(0.5, 0, 0, np.log(2)), [IMAGE], [boxes((40, 40, 60, 50))], 1.6)

    np.testing.assert_allclose(refined, [[50, 35, 70, 55]], atol=1e-3)


def test_stretch_is_limited():
    # e^2 ≈ 7.4 times 4 pixels; the fourth offset would make 4e43 pixels.
    (refined,), _ = refine(FakeRefiner(0, 0, 0, 100), [IMAGE], [boxes((40, 48, 60, 52))], 1.6)

    assert refined[0, 3] - refined[0, 1] == pytest.approx(4 * np.exp(MAX_LOG_STRETCH), rel=1e-4)


@pytest.mark.parametrize(
    "offsets", [(0, 0, -9, -9), (50, 50, 0, 0), (-50, 0, 0, 0), (0, 50, -9, 9), (0.9, 0.9, -2, -2)]
)
@pytest.mark.parametrize("proposal", [(10, 20, 50, 60), (148, 98, 150, 100), (-30, -30, 10, 10), (0, 0, 150, 100)])
def test_boxes_stay_in_the_frame_and_can_be_cut_again(offsets, proposal):
    (refined,), _ = refine(FakeRefiner(*offsets), [IMAGE], [boxes(proposal)], 1.6)

    assert (refined >= 0).all()
    assert (refined <= [150, 100, 150, 100]).all()
    assert (refined[:, 2:] - refined[:, :2]).min() >= MIN_SIDE - 1e-4


@pytest.mark.parametrize(("shape", "expected"), [((1, 1), (0, 0, 1, 1)), ((1, 20), (5, 0, 9, 1))])
def test_frame_narrower_than_a_box_can_be_is_filled(shape, expected):
    (refined,), _ = refine(STILL, [np.zeros(shape, np.float32)], [boxes((5, -10, 9, 30))], 1.6)

    np.testing.assert_allclose(refined, boxes(expected), atol=1e-5)


def test_each_frame_is_seen_by_its_own_proposals():
    images = [IMAGE, IMAGE + 0.25, IMAGE, IMAGE + 0.75]
    proposals = [EMPTY, boxes((50, 40, 70, 60)), EMPTY, boxes((50, 40, 70, 60), (20, 20, 50, 50))]

    refined, scores = refine(STILL, images, proposals, 1.0)

    for before, after in zip(proposals, refined, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4)
    for score, expected in zip(scores, ([], [0.25], [], [0.75, 0.75]), strict=True):
        np.testing.assert_allclose(score, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_no_proposals_at_all(count):
    refined, scores = refine(STILL, [IMAGE] * count, [EMPTY] * count, 1.6)

    assert [part.shape for part in refined] == [(0, 4)] * count
    assert [part.shape for part in scores] == [(0,)] * count


def test_network_sees_the_proposal_with_its_surroundings():
    """A bright proposal of 40×40 fills 1 / 1.6² of what the network sees."""
    image = IMAGE.copy()
    image[30:70, 50:90] = 1

    _, (score,) = refine(STILL, [image], [boxes((50, 30, 90, 70))], 1.6)

    assert score[0] == pytest.approx(1 / 1.6**2, abs=0.02)
