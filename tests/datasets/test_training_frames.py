import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.training_frames import SIMULATED, load_training_frames, training_frame
from sonar_debris.frames import FrameReadError


def test_a_labelled_frame_is_normalised_and_keeps_its_boxes(tmp_path):
    pixels = np.array([[0, 10, 20], [0, 30, 40]], np.uint8)
    cv2.imwrite(str(tmp_path / "ping.png"), pixels)
    labelled = LabelledFrame("ping", tmp_path / "ping.png", np.array([[0, 0, 2, 2]], np.float32), np.array([4]))

    (frame,) = load_training_frames([labelled])

    # Echoes 10 … 40 have mean 25 and deviation √125; the surround comes out at the mean.
    np.testing.assert_allclose(frame.image, np.array([[0, -15, -5], [0, 5, 15]]) / np.sqrt(125), atol=1e-5)
    assert frame.image.dtype == np.float32
    np.testing.assert_array_equal(frame.xyxy, labelled.xyxy)
    assert frame.class_id is labelled.class_id


def test_brightness_sums_echoes_above_the_mean():
    frame = training_frame(np.array([[1, 3], [1, 3]], np.float32), np.zeros((0, 4), np.float32), np.zeros(0, int))

    np.testing.assert_allclose(frame.brightness, [[0, 0, 0], [0, 0, 1], [0, 0, 2]])


def test_simulated_frames_come_after_the_real_ones(tiny_release):
    path = tiny_release / "watertank-segmentation" / "Images" / "frame-00.png"
    labelled = LabelledFrame("frame-00", path, np.zeros((0, 4), np.float32), np.zeros(0, int))

    real, one, two = load_training_frames([labelled], simulated=2, seed=5)
    again = load_training_frames([], simulated=1, seed=5)

    assert real.image.shape == (150, 120)
    np.testing.assert_array_equal(again[0].image, one.image)
    assert not np.array_equal(one.image, two.image)
    assert len(one.xyxy) == len(one.class_id) >= 1
    assert (real.scene, one.scene, two.scene) == (0, SIMULATED, SIMULATED)


def test_no_frames():
    assert load_training_frames([]) == []


def test_a_missing_image_is_an_error(tmp_path):
    labelled = LabelledFrame("gone", tmp_path / "gone.png", np.zeros((0, 4), np.float32), np.zeros(0, int))

    with pytest.raises(FrameReadError, match="gone.png"):
        load_training_frames([labelled])
