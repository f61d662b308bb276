import cv2
import numpy as np
import pytest

from sonar_debris.datasets.training_frames import TrainingFrame
from sonar_debris.detectors.sliding_window import proposals
from sonar_debris.detectors.sliding_window.networks import MAX_LOG_SCALE, OBJECTNESS_WINDOW, STRIDE
from sonar_debris.detectors.sliding_window.proposals import (
    FRAME_STRIDE,
    MIN_OBJECTNESS,
    MIN_SIDE,
    OVERHANG,
    WINDOW_SHAPES,
    mine_proposals,
    propose,
    pyramid_level,
    refine,
    refine_proposals,
    select_proposals,
    window_boxes,
)
from sonar_debris.windows import extract_windows

STEP = 2
# Of the 40×40 windows: 8 pixels of the level are 8 · 40 / 96 of the frame, and the first window starts at -10.
PITCH, START = 8 * 40 / 96, -10
EMPTY = np.zeros((0, 4), np.float32)
IMAGE = np.zeros((100, 150), np.float32)


def smooth_image(rows: int, cols: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(rows, cols)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3)


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
@pytest.mark.parametrize("step", [1, 3])
def test_window_of_a_level_shows_its_box_in_the_frame(shape, step):
    """The window that the dense network scores at (i, j) shows window_boxes[i, j], up to the end of the map."""
    image, pitch = smooth_image(241, 319), STRIDE * step
    level = pyramid_level(image, shape)
    map_shape = tuple((side - OBJECTNESS_WINDOW) // pitch + 1 for side in level.shape)
    boxes = window_boxes(map_shape, shape, step)

    for i, j in [(0, 0), (map_shape[0] - 1, map_shape[1] - 1), (map_shape[0] // 2, map_shape[1] // 3)]:
        level_window = level[i * pitch : i * pitch + OBJECTNESS_WINDOW, j * pitch : j * pitch + OBJECTNESS_WINDOW]
        frame_window = extract_windows(image, boxes[i, j][None], OBJECTNESS_WINDOW)[0, ..., 0]
        assert np.corrcoef(level_window.ravel(), frame_window.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
@pytest.mark.parametrize("frame", [(1, 1), (1, 500), (500, 1), (30, 20), (95, 97)])
def test_level_of_a_small_frame_fills_a_window(frame, shape):
    level = pyramid_level(np.ones(frame, np.float32), shape)

    assert min(level.shape) >= OBJECTNESS_WINDOW
    assert level.dtype == np.float32
    assert level.max() == 1


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
def test_windows_extend_over_every_border(shape):
    level = pyramid_level(np.ones((241, 319), np.float32), shape)
    boxes = window_boxes(tuple((side - OBJECTNESS_WINDOW) // STRIDE + 1 for side in level.shape), shape, 1)
    overhang = OVERHANG * np.array(shape)

    np.testing.assert_allclose(boxes[0, 0, :2], -overhang)
    # The last window ends at most one stride, and half a pixel of rounding, before the end.
    gap = np.array([319, 241]) + overhang - boxes[-1, -1, 2:]
    assert (np.abs(gap) <= (STRIDE + 0.5) * np.array(shape) / OBJECTNESS_WINDOW).all()


def test_window_boxes_by_hand():
    boxes = window_boxes((2, 3), (48, 96), 2)

    assert boxes.shape == (2, 3, 4)
    assert boxes.dtype == np.float32
    # A level of half the width: 8 of its pixels are 4 columns, or 8 rows, of the frame.
    np.testing.assert_allclose(boxes[0, 0], [-12, -24, 36, 72])
    np.testing.assert_allclose(boxes[1, 2], [-12 + 8, -24 + 8, 36 + 8, 72 + 8])


class FakeDenseNetwork:
    """Return given maps ``(batch, rows, cols)`` for the first level, and zeros for the others."""

    def __init__(self, maps):
        self.maps = np.array(maps, np.float32)
        self.calls = 0

    def predict_on_batch(self, levels: np.ndarray) -> np.ndarray:
        assert levels.shape[0] == len(self.maps)
        assert levels.shape[-1] == 1
        self.calls += 1
        return (self.maps if self.calls == 1 else np.zeros_like(self.maps))[..., None]


def frames(count: int) -> list[np.ndarray]:
    return [np.zeros((120, 160), np.float32)] * count


def peak(row: int, col: int, height: float = 0.9, shape=(12, 20)) -> np.ndarray:
    objectness = np.zeros(shape)
    objectness[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2] = height / 2
    objectness[row, col] = height
    return objectness


def test_peak_becomes_the_box_of_its_window():
    network = FakeDenseNetwork([peak(3, 5)])

    (boxes,) = propose(network, frames(1), STEP, 10)

    left, top = START + 5 * PITCH, START + 3 * PITCH
    np.testing.assert_allclose(boxes, [[left, top, left + 40, top + 40]], rtol=1e-5)
    assert network.calls == len(WINDOW_SHAPES)


def test_proposals_are_sorted_and_limited():
    network_map = peak(0, 0, 0.5) + peak(11, 19, 0.9) + peak(0, 19, 0.7)

    (boxes,) = propose(FakeDenseNetwork([network_map]), frames(1), STEP, 2)

    corner = START + PITCH * np.array([[19, 11], [19, 0]])
    np.testing.assert_allclose(boxes[:, :2], corner, rtol=1e-5)


def test_worse_of_two_near_peaks_is_suppressed():
    """The IoU of windows two cells apart is 0.71, of windows three cells apart 0.6."""
    (boxes,) = propose(FakeDenseNetwork([np.maximum(peak(3, 5, 0.9), peak(3, 7, 0.8))]), frames(1), STEP, 10)

    assert len(boxes) == 1


@pytest.mark.parametrize("value", [0, MIN_OBJECTNESS / 2])
def test_map_without_objects_gives_no_boxes(value):
    (boxes,) = propose(FakeDenseNetwork([np.full((12, 20), value)]), frames(1), STEP, 10)

    assert boxes.shape == (0, 4)
    assert boxes.dtype == np.float32


def test_each_frame_has_its_own_proposals():
    network = FakeDenseNetwork([peak(3, 5), np.zeros((12, 20)), peak(8, 2)])

    first, second, third = propose(network, frames(3), STEP, 10)

    np.testing.assert_allclose(first[:, :2], [[START + 5 * PITCH, START + 3 * PITCH]], rtol=1e-5)
    assert second.shape == (0, 4)
    np.testing.assert_allclose(third[:, :2], [[START + 2 * PITCH, START + 8 * PITCH]], rtol=1e-5)


def test_peaks_of_all_levels_are_ranked_together():
    maps = [np.zeros((12, 20), np.float32) for _ in WINDOW_SHAPES]
    maps[0] += peak(3, 5, 0.5)
    maps[1] += peak(0, 0, 0.9)

    boxes = select_proposals(maps, STEP, 10)

    left, top = START + 5 * PITCH, START + 3 * PITCH
    np.testing.assert_allclose(boxes, [[-16, -16, 48, 48], [left, top, left + 40, top + 40]], rtol=1e-5)
    np.testing.assert_array_equal(select_proposals(maps, STEP, 1), boxes[:1])


class FakeRefiner:
    """Return the same offsets for every crop, and the crop's mean as predicted IoU."""

    input_shape = (None, 64, 64, 1)

    def __init__(self, *offsets):
        self.offsets = offsets

    def predict(self, crops: np.ndarray, batch_size: int, verbose: int) -> np.ndarray:
        assert crops.shape[1:] == self.input_shape[1:]
        offsets = np.tile(np.float32(self.offsets), (len(crops), 1))
        return np.column_stack([offsets, crops.mean(axis=(1, 2, 3))]).astype(np.float32)


IDENTITY_REFINER = FakeRefiner(0, 0, 0, 0)


def make_boxes(*xyxy) -> np.ndarray:
    return np.array(xyxy, np.float32).reshape(-1, 4)


def test_zero_offsets_only_clip():
    (refined,), (score,) = refine(IDENTITY_REFINER, [IMAGE], [make_boxes((10, 20, 50, 60), (-10, 80, 40, 130))])

    np.testing.assert_allclose(refined, [[10, 20, 50, 60], [0, 80, 40, 100]], atol=1e-4)
    assert refined.dtype == np.float32
    assert score.shape == (2,)


def test_offsets_are_applied():
    (refined,), _ = refine(FakeRefiner(0.5, 0, 0, np.log(2)), [IMAGE], [make_boxes((40, 40, 60, 50))])

    np.testing.assert_allclose(refined, [[50, 35, 70, 55]], atol=1e-3)


def test_scale_is_limited():
    # e^2 ≈ 7.4 times 4 pixels; the fourth offset would make 4e43 pixels.
    (refined,), _ = refine(FakeRefiner(0, 0, 0, 100), [IMAGE], [make_boxes((40, 48, 60, 52))])

    assert refined[0, 3] - refined[0, 1] == pytest.approx(4 * np.exp(MAX_LOG_SCALE), rel=1e-4)


@pytest.mark.parametrize(
    "offsets", [(0, 0, -9, -9), (50, 50, 0, 0), (-50, 0, 0, 0), (0, 50, -9, 9), (0.9, 0.9, -2, -2)]
)
@pytest.mark.parametrize("proposal", [(10, 20, 50, 60), (148, 98, 150, 100), (-30, -30, 10, 10), (0, 0, 150, 100)])
def test_refined_boxes_stay_in_the_frame_and_can_be_extracted(offsets, proposal):
    (refined,), _ = refine(FakeRefiner(*offsets), [IMAGE], [make_boxes(proposal)])

    assert (refined >= 0).all()
    assert (refined <= [150, 100, 150, 100]).all()
    assert (refined[:, 2:] - refined[:, :2]).min() >= MIN_SIDE - 1e-4


@pytest.mark.parametrize(("shape", "expected"), [((1, 1), (0, 0, 1, 1)), ((1, 20), (5, 0, 9, 1))])
def test_box_fills_a_frame_narrower_than_the_least_side(shape, expected):
    (refined,), _ = refine(IDENTITY_REFINER, [np.zeros(shape, np.float32)], [make_boxes((5, -10, 9, 30))])

    np.testing.assert_allclose(refined, make_boxes(expected), atol=1e-5)


def test_proposals_are_extracted_from_their_own_frame():
    images = [IMAGE, IMAGE + 0.25, IMAGE, IMAGE + 0.75]
    frame_proposals = [EMPTY, make_boxes((50, 40, 70, 60)), EMPTY, make_boxes((50, 40, 70, 60), (20, 20, 50, 50))]

    refined, scores = refine(IDENTITY_REFINER, images, frame_proposals)

    for before, after in zip(frame_proposals, refined, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4)
    for score, expected in zip(scores, ([], [0.25], [], [0.75, 0.75]), strict=True):
        np.testing.assert_allclose(score, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_no_proposals_at_all(count):
    refined, scores = refine(IDENTITY_REFINER, [IMAGE] * count, [EMPTY] * count)

    assert [part.shape for part in refined] == [(0, 4)] * count
    assert [part.shape for part in scores] == [(0,)] * count


def test_crop_shows_the_proposal_with_its_surroundings():
    """A bright proposal of 40×40 pixels fills 1 / 1.6² of the crop."""
    image = IMAGE.copy()
    image[30:70, 50:90] = 1

    _, (score,) = refine(IDENTITY_REFINER, [image], [make_boxes((50, 30, 90, 70))])

    assert score[0] == pytest.approx(1 / 1.6**2, abs=0.02)


def blank_frames(count):
    return [
        TrainingFrame(np.full((40, 60), number, np.float32), np.zeros((0, 4)), np.zeros(0, int))
        for number in range(count)
    ]


def test_one_of_three_frames_gets_proposals(monkeypatch):
    """The proposals of a frame hold its number, which shows that they are not those of another frame."""
    monkeypatch.setattr(proposals, "make_dense", lambda network, step: network)
    monkeypatch.setattr(
        proposals, "propose", lambda dense, images, *_: [np.full((2, 4), image[0, 0]) for image in images]
    )
    calls = []

    mined = mine_proposals(None, blank_frames(2 * FRAME_STRIDE), lambda *progress: calls.append(progress))

    assert [len(frame.proposals) for frame in mined] == [2, *[0] * (FRAME_STRIDE - 1)] * 2
    assert (mined[FRAME_STRIDE].proposals == FRAME_STRIDE).all()
    assert calls == [(1, 2), (2, 2)]


def test_no_frames_to_refine():
    assert refine_proposals(None, []) == []


def test_refined_boxes_replace_the_proposals(monkeypatch):
    monkeypatch.setattr(proposals, "refine", lambda network, images, boxes: ([boxes[0] + 1], None))
    frame = TrainingFrame(*[np.zeros((4, 4))] * 3, proposals=np.zeros((3, 4)))

    (refined,) = refine_proposals(None, [frame])

    np.testing.assert_array_equal(refined.proposals, np.ones((3, 4)))
