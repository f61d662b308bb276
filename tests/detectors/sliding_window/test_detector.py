import shutil
from dataclasses import replace

import numpy as np
import pytest

from sonar_debris.classifiers.crop_classifier import CropClassifier
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.errors import SonarDebrisError


class FakeClassifier(CropClassifier):
    """Return the first class for the first crop, and equal probabilities of all classes for the others."""

    size = 64

    def predict(self, images):
        probabilities = np.full((len(images), len(self.class_names)), 1 / len(self.class_names), np.float32)
        probabilities[:1] = np.eye(len(self.class_names))[0]
        return probabilities


def test_score_is_objectness_times_class_probability(sliding_window, make_frame):
    settings = replace(sliding_window.settings, min_probability=0.5)
    classifier = FakeClassifier(None, (*settings.class_names, "background"))
    detector = object.__new__(SlidingWindowDetector)
    detector.__dict__.update(sliding_window.__dict__, classifier=classifier, settings=settings)

    detections = detector.detect(make_frame(120, 160))

    certain = detections.class_id == 0
    assert certain.sum() == 1
    np.testing.assert_allclose(detections.score[certain], detections.objectness[certain], rtol=1e-6)
    assert set(detections[~certain].names) == {"unknown"}
    np.testing.assert_allclose(detections.score[~certain], detections.objectness[~certain] * 11 / 12, rtol=1e-5)


@pytest.mark.parametrize("part", ["objectness.keras", "refiner.keras", "classifier.keras"])
def test_missing_network_of_a_model_is_reported(part, untrained_model, tmp_path):
    shutil.copytree(untrained_model, tmp_path / "model")
    (tmp_path / "model" / part).unlink()

    with pytest.raises(SonarDebrisError, match=f"{part}: no such network"):
        DebrisDetector.from_pretrained(tmp_path / "model")
