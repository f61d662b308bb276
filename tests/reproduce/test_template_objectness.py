from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.boxes import iou
from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.preprocessing import normalise
from sonar_debris.reproduce.proposal_baselines import SIDE, TemplateObjectness

BOX = np.array([[40, 50, 104, 114]], np.float32)


def draw(left: int, top: int, seed: int) -> np.ndarray:
    """A speckled frame of 200×240 pixels with an echo and its shadow in a box of 64×64."""
    image = np.random.default_rng(seed).uniform(60, 90, (200, 240)).astype(np.uint8)
    cv2.ellipse(image, (left + 20, top + 44), (12, 16), 20, 0, 360, 240, -1)
    cv2.ellipse(image, (left + 40, top + 20), (20, 12), -40, 0, 360, 5, -1)
    return image


@pytest.fixture
def frame(tmp_path) -> LabelledFrame:
    cv2.imwrite(str(tmp_path / "frame.png"), draw(40, 50, 0))
    return LabelledFrame("frame", tmp_path / "frame.png", BOX, np.array([3]))


def matcher(*frames: LabelledFrame, count: int = 100, seed: int = 0) -> TemplateObjectness:
    return TemplateObjectness(frames, np.random.default_rng(seed), count)


@pytest.mark.parametrize(("left", "top"), [(40, 50), (120, 20), (0, 136)])
def test_object_is_found_where_it_lies_in_another_frame(frame, left, top):
    xyxy = matcher(frame).propose(normalise(draw(left, top, 1)), 5)

    assert iou(xyxy, BOX + np.float32([left - 40, top - 50] * 2))[0, 0] > 0.75
    assert xyxy.shape == (5, 4)
    assert xyxy.dtype == np.float32


def test_surround_without_echoes_is_not_proposed(frame):
    """Where nothing deviates, the coefficient is 0 / 0, and OpenCV may call it 1."""
    wide = np.zeros((400, 640), np.uint8)
    wide[100:300, :240] = draw(120, 20, 1)

    left, top = matcher(frame).propose(normalise(wide), 1000)[:, :2].max(axis=0)

    assert left < 240
    assert top < 300


@pytest.mark.parametrize("count", [0, 10])
def test_flat_frame_gives_no_boxes(frame, count):
    assert matcher(frame).propose(np.zeros((200, 240), np.float32), count).shape == (0, 4)


def test_templates_are_random_objects(frame):
    three = LabelledFrame("three", frame.path, np.tile(BOX, (3, 1)) + [[0], [8], [16]], np.arange(3))
    all_three = matcher(three).templates

    assert all_three.shape == (3, SIDE, SIDE)
    assert matcher(three, count=2).templates.shape == (2, SIDE, SIDE)
    np.testing.assert_array_equal(matcher(three, count=2).templates, all_three[:2])
    assert len({matcher(three, seed=seed, count=1).templates.sum() for seed in range(10)}) == 3


def test_frames_without_boxes_are_refused():
    empty = LabelledFrame("empty", Path("empty.png"), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))

    with pytest.raises(SonarDebrisError, match="no labelled box. Received: 1 frames"):
        matcher(empty)
