import shutil
from dataclasses import replace

import numpy as np
import pytest

from sonar_debris.classifiers.crop_classifier import CropClassifier
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.errors import SonarDebrisError


class FakeClassifier(CropClassifier):
    """Sure of the first class for the first crop, torn between all classes and background for the others."""

    size = 64

    def predict(self, images):
        probabilities = np.full((len(images), len(self.class_names)), 1 / len(self.class_names), np.float32)
        probabilities[:1] = np.eye(len(self.class_names))[0]
        return probabilities


def test_score_is_of_object_and_name(sliding_window, make_frame):
    settings = replace(sliding_window.settings, min_probability=0.5)
    classifier = FakeClassifier(None, (*settings.class_names, "background"))
    detector = object.__new__(SlidingWindowDetector)
    detector.__dict__.update(sliding_window.__dict__, classifier=classifier, settings=settings)

    detections = detector.detect(make_frame(120, 160))

    sure = detections.class_id == 0
    assert sure.sum() == 1
    np.testing.assert_allclose(detections.score[sure], detections.objectness[sure], rtol=1e-6)
    assert set(detections[~sure].names) == {"unknown"}
    np.testing.assert_allclose(detections.score[~sure], detections.objectness[~sure] * 11 / 12, rtol=1e-5)


@pytest.mark.parametrize("part", ["objectness.keras", "refiner.keras", "classifier.keras"])
def test_model_without_a_network(part, untrained_model, tmp_path):
    shutil.copytree(untrained_model, tmp_path / "model")
    (tmp_path / "model" / part).unlink()

    with pytest.raises(SonarDebrisError, match=f"{part}: no such network"):
        DebrisDetector.from_pretrained(tmp_path / "model")
