import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.classification_metrics import classification_metrics, expected_calibration_error

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


@pytest.mark.parametrize(
    ("class_id", "probability", "error"),
    [
        ([0, 1], [[1, 0], [0, 1]], 0),  # sure and right
        ([1, 0], [[1, 0], [0, 1]], 1),  # sure and wrong
        ([0, 0, 0, 1], [[0.75, 0.25]] * 4, 0),  # three in four sure, and right three times in four
        ([0, 1, 0, 1], [[0.75, 0.25]] * 4, 0.25),
        # two bins whose gaps must not cancel: 0.9 sure and wrong (0.9), 0.6 sure and right (0.4)
        ([1, 0], [[0.9, 0.1], [0.6, 0.4]], 0.65),
    ],
)
def test_calibration_error_on_paper(class_id, probability, error):
    assert expected_calibration_error(np.array(class_id), np.array(probability)) == pytest.approx(error)


def test_bins_are_closed_on_the_right():
    # with two bins 0.5 falls in the lower one, apart from 0.6: |1 - 0.5| / 2 + |0 - 0.6| / 2
    probability = np.array([[0.5, 0.3, 0.2], [0.6, 0.2, 0.2]])

    assert expected_calibration_error(np.array([0, 1]), probability, bins=2) == pytest.approx(0.55)
