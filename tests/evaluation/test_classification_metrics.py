import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.classification_metrics import classification_metrics

NAMES = ("can", "tire", "wall")


def test_figures_on_paper():
    # two cans, one taken for a tire; one tire; no wall
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
