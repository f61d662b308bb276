"""Explanations of the shipped detector on a simulated frame."""

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.single_pass.explanation import write_explanation
from sonar_debris.detectors.single_pass.nearest import find_nearest_crops
from sonar_debris.detectors.single_pass.saliency import Saliency, explain_detection
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames
from tests.conftest import ROOT

SAMPLE = ROOT / "data" / "sample"


@pytest.fixture(scope="module")
def detector():
    return DebrisDetector.from_pretrained()


@pytest.fixture(scope="module")
def frame():
    """The standing bottle of the sample, far from the fan's edges."""
    return next(iter(open_frames(SAMPLE / "frame-0003.png")))


@pytest.fixture(scope="module")
def box(detector, frame):
    return detector.detect(frame).xyxy[0]


def test_what_hides_the_object_lowers_the_score_and_what_lies_far_away_does_not(detector, frame, box):
    steps = []

    saliency = explain_detection(
        detector, frame, box, detector.class_names.index("standing-bottle"), lambda *step: steps.append(step)
    )

    left, top, right, bottom = saliency.window
    assert saliency.occlusion.shape == saliency.gradient.shape == (bottom - top, right - left)
    assert saliency.occlusion.max() > 0.05
    assert np.abs(saliency.occlusion[:8]).max() < 0.1 * saliency.occlusion.max()
    for values in (saliency.occlusion, saliency.gradient):
        assert saliency.share_in_box(values, box) > 3 * saliency.box_share
    assert steps[-1][0] == steps[-1][1]


def test_share_in_box_counts_positive_values_of_pixels_in_the_box():
    saliency = Saliency(np.array([10, 20, 14, 24]), np.full((4, 4), -1.0), np.zeros((4, 4)), 0.25)
    saliency.occlusion[1:3, 1:3] = 3.0
    saliency.occlusion[3, 3] = 4.0

    assert saliency.share_in_box(saliency.occlusion, np.float32([11, 21, 13, 23])) == pytest.approx(0.75)
    assert np.isnan(saliency.share_in_box(saliency.gradient, np.float32([11, 21, 13, 23])))


def test_the_nearest_crops_show_the_same_object(detector, frame, box):
    others = [SAMPLE / f"frame-{number:04d}.png" for number in (0, 1, 2, 3)]
    labelled = []
    for path in others:
        found = detector.detect(next(iter(open_frames(path))))
        labelled.append(LabelledFrame(path.stem, path, found.xyxy, found.class_id.astype(np.int64)))

    crops = find_nearest_crops(detector, frame, box, labelled, detector.class_names, count=2)

    assert crops[0].name == "frame-0003" and crops[0].similarity == pytest.approx(1.0, abs=1e-4)
    assert crops[0].class_name == "standing-bottle" and crops[1].similarity < crops[0].similarity


def test_an_explanation_is_drawn(detector, frame, box, tmp_path):
    labelled = [LabelledFrame("frame-0003", SAMPLE / "frame-0003.png", box[None], np.zeros(1, np.int64))]

    explanation = write_explanation(tmp_path / "why.png", detector, frame, box, "buoy", labelled, ["bottle"])

    assert explanation.class_name == "unknown" and [crop.class_name for crop in explanation.nearest] == ["bottle"]
    assert cv2.imread(str(tmp_path / "why.png")).shape[1] > 500


def test_only_a_box_that_the_network_finds_is_explained(detector, frame):
    with pytest.raises(SonarDebrisError, match="does not find the object"):
        explain_detection(detector, frame, np.float32([100, 400, 110, 405]), 0)


def test_other_detectors_are_refused(frame, tmp_path):
    with pytest.raises(SonarDebrisError, match="single-pass"):
        write_explanation(tmp_path / "why.png", object(), frame, np.float32([0, 0, 9, 9]), "can")
