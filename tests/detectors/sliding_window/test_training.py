from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.detections import Detections
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window import training as pipeline
from sonar_debris.detectors.sliding_window.training import PipelineSchedules, calibrate, train_networks
from sonar_debris.evaluation.calibration import IDENTITY
from sonar_debris.training import TrainingConfig

NAMES = ("can", "tire")
NETWORKS = ("objectness", "refiner", "classifier")


def test_a_recipe_changes_seed_and_precision_and_keeps_the_lengths():
    recipe = PipelineSchedules(objectness=TrainingConfig(2, 3, learning_rate=0.1)).each_with(
        seed=9, precision="mixed_bfloat16"
    )

    assert recipe.objectness == TrainingConfig(2, 3, learning_rate=0.1, seed=9, precision="mixed_bfloat16")
    assert (recipe.refiner.epochs, recipe.classifier.epochs) == (
        PipelineSchedules().refiner.epochs,
        PipelineSchedules().classifier.epochs,
    )
    assert {recipe.refiner.seed, recipe.classifier.seed} == {9}


@pytest.mark.parametrize(
    ("there", "trained"), [([], [*NETWORKS]), (["objectness", "classifier"], ["refiner"]), ([*NETWORKS], [])]
)
def test_only_what_is_missing_is_trained(frames, tmp_path, monkeypatch, there, trained):
    calls = []
    for name in NETWORKS:
        monkeypatch.setattr(
            pipeline, f"train_{name}", lambda *options, name=name: calls.append((name, options)) or name
        )
    for name in there:
        (tmp_path / f"{name}.keras").touch()
    monkeypatch.setattr(pipeline, "load_network", lambda path: path.stem)
    handed_on = []
    for stage in ("mine", "refine"):
        hand_on = lambda network, given, stage=stage: handed_on.append((stage, network)) or given  # noqa: E731
        monkeypatch.setattr(pipeline, f"{stage}_proposals", hand_on)
    recipe = PipelineSchedules(*(TrainingConfig(epochs, 1) for epochs in (1, 2, 3)))

    train_networks(frames, [], NAMES, recipe, tmp_path)

    assert [name for name, _ in calls] == trained
    for name, options in calls:
        assert options[-2:] == (getattr(recipe, name), tmp_path)
        assert None in options  # nothing to validate on
    stages = {("mine", "objectness"), ("refine", "refiner")}
    assert set(handed_on) == (stages if {"refiner", "classifier"} & {*trained} else set())


def test_the_classifier_learns_background_as_its_last_class(frames, tmp_path, monkeypatch):
    for name in ("objectness", "refiner"):
        (tmp_path / f"{name}.keras").touch()
    monkeypatch.setattr(pipeline, "load_network", lambda path: path.stem)
    for stage in ("mine", "refine"):
        monkeypatch.setattr(pipeline, f"{stage}_proposals", lambda network, given: given)
    given = []
    monkeypatch.setattr(pipeline, "train_classifier", lambda *options: given.extend(options))

    train_networks(frames, [], NAMES, PipelineSchedules(), tmp_path)

    assert given[1] == (*NAMES, "background")
    assert given[2].__self__.background_class == 2


@pytest.fixture
def detects(monkeypatch):
    """A function that lets the detector find the given boxes in every frame; it returns the settings it is given."""

    def prepare(xyxy, score, class_id):
        given = []

        class Detector:
            def __init__(self, objectness, refiner, classifier, settings):
                assert (objectness, refiner, classifier) == ("objectness.keras", "refiner.keras", "classifier.keras")
                given.append(settings)

            def detect(self, frame):
                found = np.float32(xyxy).reshape(-1, 4), np.float32(score), np.array(class_id, np.int64)
                return Detections(*found, np.float32(score), (*NAMES, "unknown"))

        monkeypatch.setattr(pipeline, "load_network", lambda path: path.name)
        monkeypatch.setattr(pipeline, "CropClassifier", lambda network, names: network)
        monkeypatch.setattr(pipeline, "SlidingWindowDetector", Detector)
        return given

    return prepare


@pytest.fixture
def validation(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.full((40, 60), 9, np.uint8))
    return [LabelledFrame("ping", tmp_path / "ping.png", np.array([[5, 5, 25, 25]], np.float32), np.array([1]))]


def test_the_threshold_is_that_of_the_best_f1(detects, validation):
    given = detects([[5, 5, 25, 25], [30, 5, 50, 25]], [0.7127, 0.4], [1, 1])

    settings = calibrate(Path(), SlidingWindowSettings("m", NAMES, figures={"recall": 0.9}), validation)

    object_, nothing = np.interp([0.7127, 0.4], *settings.calibration)
    assert nothing < settings.min_score <= object_  # rounded down, or the object would be lost
    assert settings.figures == {"recall": 0.9, "validation_map50": 1.0, "validation_map": 1.0, "validation_f1": 1.0}
    assert settings.name == "m"
    assert (given[0].min_score, given[0].calibration) == (0, IDENTITY)


@pytest.mark.parametrize("found", [([], [], []), ([[5, 5, 25, 25]], [0.7], [2])], ids=["nothing", "unknown"])
def test_without_a_named_object_the_threshold_stays(detects, validation, found):
    detects(*found)

    settings = calibrate(Path(), SlidingWindowSettings("m", NAMES, min_score=0.25), validation)

    assert settings.min_score == 0.25
    assert settings.figures["validation_f1"] == 0
