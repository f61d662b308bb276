import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.proposals import MIN_OBJECTNESS, WINDOW_SHAPES, propose, select_proposals

STEP = 2
# Of the 40×40 windows: 8 pixels of the level are 8 · 40 / 96 of the frame, and the first window starts at -10.
PITCH, START = 8 * 40 / 96, -10


class FakeDenseNetwork:
    """Answers with given maps ``(batch, rows, cols)`` at the first level, and with nothing at the others."""

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


def test_best_peak_comes_first_and_count_is_kept():
    network_map = peak(0, 0, 0.5) + peak(11, 19, 0.9) + peak(0, 19, 0.7)

    (boxes,) = propose(FakeDenseNetwork([network_map]), frames(1), STEP, 2)

    corner = START + PITCH * np.array([[19, 11], [19, 0]])
    np.testing.assert_allclose(boxes[:, :2], corner, rtol=1e-5)


def test_worse_of_two_near_peaks_goes():
    """Two cells apart, the windows' IoU is 0.71; three apart it is 0.6."""
    (boxes,) = propose(FakeDenseNetwork([np.maximum(peak(3, 5, 0.9), peak(3, 7, 0.8))]), frames(1), STEP, 10)

    assert len(boxes) == 1


@pytest.mark.parametrize("value", [0, MIN_OBJECTNESS / 2])
def test_map_without_objects_gives_no_boxes(value):
    (boxes,) = propose(FakeDenseNetwork([np.full((12, 20), value)]), frames(1), STEP, 10)

    assert boxes.shape == (0, 4)
    assert boxes.dtype == np.float32


def test_each_frame_gets_its_own_boxes():
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
