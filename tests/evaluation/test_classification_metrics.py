import numpy as np
import pytest

from sonar_debris.datasets.training_set import Selection
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.classification_metrics import classification_metrics, load_crops

NAMES = ("can", "tire", "wall")


def test_metrics_on_paper():
    # two cans, one predicted as a tire; one tire; no wall
    probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]])
    metrics = classification_metrics(np.array([0, 0, 1]), probability, NAMES)

    assert metrics.accuracy == pytest.approx(2 / 3)
    assert metrics.crops == {"can": 2, "tire": 1, "wall": 0}
    assert metrics.precision == pytest.approx({"can": 1, "tire": 0.5, "wall": 0})
    assert metrics.recall == pytest.approx({"can": 0.5, "tire": 1, "wall": 0})
    assert metrics.f1 == pytest.approx({"can": 2 / 3, "tire": 2 / 3, "wall": 0})
    assert metrics.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_no_crops_are_an_error():
    with pytest.raises(SonarDebrisError, match="Received: 0 crops"):
        classification_metrics(np.empty(0, int), np.empty((0, 3)), NAMES)


def test_crops_index_the_class_names_of_the_classifier(tiny_release):
    images, class_id = load_crops(Selection(tiny_release, "random", ("test",)), ("can", "wall", "bottle"))

    assert len(images) == len(class_id) == 4  # 30 % of 12
    assert {image.shape for image in images} == {(20, 28)}  # the crops are 28 × 20 and are turned
    assert set(class_id.tolist()) == {0, 2}


def test_a_class_that_the_classifier_lacks_is_an_error(tiny_release):
    with pytest.raises(SonarDebrisError, match="the classifier has no class bottle"):
        load_crops(Selection(tiny_release, "random", ("test",)), ("can", "wall"))
