import json

import numpy as np
import pytest

from sonar_debris.classifiers.crop_classifier import CropClassifier, normalise_crop
from sonar_debris.classifiers.training import CLASSIFIERS, smoothed_cross_entropy, train_classifier
from sonar_debris.commands.train import CLASSIFIERS as OFFERED
from sonar_debris.training import TrainingConfig


def sample(rng):
    """Class 0 is bright above, class 1 below."""
    class_id = int(rng.integers(2))
    crop = rng.normal(0, 0.1, (16, 16, 1))
    crop[8 * class_id : 8 * class_id + 8] += 1
    return normalise_crop(crop), class_id


def test_a_trained_classifier_names_crops_and_says_how_it_came_about(tmp_path):
    schedule, about = TrainingConfig(epochs=2, steps=10, batch_size=8, learning_rate=0.01), {"data": {"split": "scene"}}

    train_classifier("mlp-dropout-relu", ("up", "down"), sample, sample, schedule, tmp_path, 16, about)

    assert json.loads((tmp_path / "classifier.json").read_text()) == {
        "network": "mlp-dropout-relu",
        "class_names": ["up", "down"],
        "data": {"split": "scene"},
    }
    classifier = CropClassifier.load(tmp_path / "classifier.keras")
    crops, classes = zip(*(sample(np.random.default_rng(seed)) for seed in range(20)), strict=True)
    np.testing.assert_array_equal(classifier.predict([crop[..., 0] for crop in crops]).argmax(axis=1), classes)


def test_the_command_offers_every_classifier():
    assert tuple(CLASSIFIERS) == OFFERED


@pytest.mark.parametrize("target", [[2, 0], [[2], [0]]], ids=["flat", "column"])
def test_five_percent_of_the_target_is_spread(target):
    predicted = np.float32([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    spread = np.array([[1, 1, 58], [58, 1, 1]]) / 60  # 0.05 / 3 and 0.95 + 0.05 / 3

    loss = np.asarray(smoothed_cross_entropy(np.array(target), predicted))

    np.testing.assert_allclose(loss, -(spread * np.log(predicted)).sum(axis=1), atol=1e-5)
