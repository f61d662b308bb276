import cv2
import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.networks import STRIDE, WINDOW
from sonar_debris.detectors.sliding_window.proposals import OVERHANG, WINDOW_SHAPES, pyramid_level, window_boxes
from sonar_debris.windows import extract_windows


def smooth_image(rows: int, cols: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(rows, cols)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3)


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
@pytest.mark.parametrize("step", [1, 3])
def test_window_of_a_level_shows_its_box_of_the_frame(shape, step):
    """What the dense network scores at (i, j) is what lies in window_boxes[i, j], to the far end of the map."""
    image, pitch = smooth_image(241, 319), STRIDE * step
    level = pyramid_level(image, shape)
    map_shape = tuple((side - WINDOW) // pitch + 1 for side in level.shape)
    boxes = window_boxes(map_shape, shape, step)

    for i, j in [(0, 0), (map_shape[0] - 1, map_shape[1] - 1), (map_shape[0] // 2, map_shape[1] // 3)]:
        of_level = level[i * pitch : i * pitch + WINDOW, j * pitch : j * pitch + WINDOW]
        of_frame = extract_windows(image, boxes[i, j][None], WINDOW)[0, ..., 0]
        assert np.corrcoef(of_level.ravel(), of_frame.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
@pytest.mark.parametrize("frame", [(1, 1), (1, 500), (500, 1), (30, 20), (95, 97)])
def test_level_of_a_small_frame_fills_a_window(frame, shape):
    level = pyramid_level(np.ones(frame, np.float32), shape)

    assert min(level.shape) >= WINDOW
    assert level.dtype == np.float32
    assert level.max() == 1


@pytest.mark.parametrize("shape", WINDOW_SHAPES)
def test_windows_hang_over_every_border(shape):
    level = pyramid_level(np.ones((241, 319), np.float32), shape)
    boxes = window_boxes(tuple((side - WINDOW) // STRIDE + 1 for side in level.shape), shape, 1)
    overhang = OVERHANG * np.array(shape)

    np.testing.assert_allclose(boxes[0, 0, :2], -overhang)
    # The last window starts within one stride, and half a pixel of rounding, of the far end.
    short = np.array([319, 241]) + overhang - boxes[-1, -1, 2:]
    assert (np.abs(short) <= (STRIDE + 0.5) * np.array(shape) / WINDOW).all()


def test_window_boxes_by_hand():
    boxes = window_boxes((2, 3), (48, 96), 2)

    assert boxes.shape == (2, 3, 4)
    assert boxes.dtype == np.float32
    # A level of half the width: 8 of its pixels are 4 columns, or 8 rows, of the frame.
    np.testing.assert_allclose(boxes[0, 0], [-12, -24, 36, 72])
    np.testing.assert_allclose(boxes[1, 2], [-12 + 8, -24 + 8, 36 + 8, 72 + 8])
