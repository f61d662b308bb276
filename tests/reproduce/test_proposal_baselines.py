from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.sliding_window.proposals import OVERHANG, WINDOW_SHAPES
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.pixels import normalise
from sonar_debris.reproduce.proposal_baselines import SIDE, TemplateObjectness, sliding_windows

BOX = np.array([[40, 50, 104, 114]], np.float32)


def draw_frame(left: int, top: int, seed: int) -> np.ndarray:
    """Return a speckled frame of 200×240 pixels with an echo and its shadow in a box of 64×64."""
    image = np.random.default_rng(seed).uniform(60, 90, (200, 240)).astype(np.uint8)
    cv2.ellipse(image, (left + 20, top + 44), (12, 16), 20, 0, 360, 240, -1)
    cv2.ellipse(image, (left + 40, top + 20), (20, 12), -40, 0, 360, 5, -1)
    return image


@pytest.fixture
def frame(tmp_path) -> LabelledFrame:
    cv2.imwrite(str(tmp_path / "frame.png"), draw_frame(40, 50, 0))
    return LabelledFrame("frame", tmp_path / "frame.png", BOX, np.array([3]))


def templates_of(*frames: LabelledFrame, count: int = 100, seed: int = 0) -> TemplateObjectness:
    return TemplateObjectness(frames, np.random.default_rng(seed), count)


@pytest.mark.parametrize(("left", "top"), [(40, 50), (120, 20), (0, 136)])
def test_object_is_proposed_at_its_position_in_another_frame(frame, left, top):
    xyxy = templates_of(frame).propose(normalise(draw_frame(left, top, 1)), 5)

    assert iou(xyxy, BOX + np.float32([left - 40, top - 50] * 2))[0, 0] > 0.75
    assert xyxy.shape == (5, 4)
    assert xyxy.dtype == np.float32


def test_area_without_echoes_is_not_proposed(frame):
    """In a flat window the correlation is 0 / 0, and OpenCV may return 1."""
    wide = np.zeros((400, 640), np.uint8)
    wide[100:300, :240] = draw_frame(120, 20, 1)

    left, top = templates_of(frame).propose(normalise(wide), 1000)[:, :2].max(axis=0)

    assert left < 240
    assert top < 300


@pytest.mark.parametrize("count", [0, 10])
def test_flat_frame_gives_no_boxes(frame, count):
    assert templates_of(frame).propose(np.zeros((200, 240), np.float32), count).shape == (0, 4)


def test_templates_are_random_objects(frame):
    three_objects = LabelledFrame("three", frame.path, np.tile(BOX, (3, 1)) + [[0], [8], [16]], np.arange(3))
    all_templates = templates_of(three_objects).templates

    assert all_templates.shape == (3, SIDE, SIDE)
    assert templates_of(three_objects, count=2).templates.shape == (2, SIDE, SIDE)
    np.testing.assert_array_equal(templates_of(three_objects, count=2).templates, all_templates[:2])
    assert len({templates_of(three_objects, seed=seed, count=1).templates.sum() for seed in range(10)}) == 3


def test_frames_without_boxes_are_refused():
    empty = LabelledFrame("empty", Path("empty.png"), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))

    with pytest.raises(SonarDebrisError, match="no labelled box. Received: 1 frames"):
        templates_of(empty)


def windows(count: int, shape=(120, 160), seed: int = 0, step: int = 3) -> np.ndarray:
    return sliding_windows(shape, count, np.random.default_rng(seed), step)


def test_windows_have_all_shapes_and_are_unique():
    xyxy = windows(10**6)
    extent = xyxy[:, 2:] - xyxy[:, :2]

    assert set(map(tuple, extent.round().astype(int).tolist())) == set(WINDOW_SHAPES)
    assert len(np.unique(xyxy, axis=0)) == len(xyxy)


def test_windows_reach_beyond_the_frame_by_a_quarter_at_most():
    xyxy = windows(10**6, (480, 320))
    overhang = OVERHANG * np.tile(xyxy[:, 2:] - xyxy[:, :2], 2) + 1

    assert (xyxy[:, :2] >= -overhang[:, :2]).all()
    assert (xyxy[:, 2:] <= [320, 480] + overhang[:, 2:]).all()


def test_object_of_a_window_shape_overlaps_a_window_at_any_position():
    rng = np.random.default_rng(1)
    corner = rng.uniform([0, 0], [320 - 64, 480 - 64], (50, 2))

    assert iou(np.concatenate([corner, corner + 64], axis=1), windows(10**6, (480, 320))).max(axis=1).min() > 0.75


def test_seed_determines_the_order():
    np.testing.assert_array_equal(windows(50), windows(50))
    assert (windows(50) != windows(50, seed=1)).any()


def test_fewer_windows_are_the_first_of_all_windows():
    np.testing.assert_array_equal(windows(50), windows(10**6)[:50])


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (30, 20)])
def test_small_frame_has_a_window_of_each_shape(shape):
    assert len(windows(10**6, shape)) >= len(WINDOW_SHAPES)


def test_count_zero_gives_no_windows():
    assert windows(0).shape == (0, 4)
