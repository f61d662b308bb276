import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.training_frames import SIMULATED
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.detections import Detections
from sonar_debris.detectors.model_folder import SlidingWindowSettings
from sonar_debris.detectors.sliding_window import detector as detector_module
from sonar_debris.detectors.sliding_window import training
from sonar_debris.detectors.sliding_window.detector import SlidingWindowDetector
from sonar_debris.detectors.sliding_window.training import (
    PipelineSchedules,
    calibrate,
    train_networks,
    train_objectness,
    train_pipeline,
    train_refiner,
    window_samplers,
)
from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.calibration import IDENTITY
from sonar_debris.networks import load_network
from sonar_debris.training import TrainingConfig

NAMES = ("can", "tire")
NETWORKS = ("objectness", "refiner", "classifier")


def test_options_change_seed_and_precision_but_not_the_lengths():
    schedules = PipelineSchedules(objectness=TrainingConfig(2, 3, learning_rate=0.1)).with_options(
        seed=9, precision="mixed_bfloat16"
    )

    assert schedules.objectness == TrainingConfig(2, 3, learning_rate=0.1, seed=9, precision="mixed_bfloat16")
    assert (schedules.refiner.epochs, schedules.classifier.epochs) == (
        PipelineSchedules().refiner.epochs,
        PipelineSchedules().classifier.epochs,
    )
    assert {schedules.refiner.seed, schedules.classifier.seed} == {9}


def test_objectness_network_is_trained_and_stored(sampler, config, tmp_path):
    trained = train_objectness(sampler, sampler, config, tmp_path)

    windows = np.random.default_rng(0).standard_normal((2, 96, 96, 1), np.float32)
    stored = load_network(tmp_path / "objectness.keras")
    np.testing.assert_array_equal(stored.predict(windows, verbose=0), trained.predict(windows, verbose=0))
    assert (tmp_path / "objectness.csv").read_text().startswith("epoch,loss,mae,val_loss,val_mae\n0,")


def test_box_refiner_is_trained_and_stored(sampler, config, tmp_path):
    trained = train_refiner(sampler, sampler, config, tmp_path)

    proposals = np.random.default_rng(0).standard_normal((2, 64, 64, 1), np.float32)
    stored = load_network(tmp_path / "refiner.keras")
    np.testing.assert_array_equal(stored.predict(proposals, verbose=0), trained.predict(proposals, verbose=0))
    assert np.isfinite(float((tmp_path / "refiner.csv").read_text().splitlines()[1].split(",")[1]))


@pytest.mark.parametrize(
    ("existing", "trained"), [([], [*NETWORKS]), (["objectness", "classifier"], ["refiner"]), ([*NETWORKS], [])]
)
def test_only_missing_networks_are_trained(frames, tmp_path, monkeypatch, existing, trained):
    calls = []
    for name in NETWORKS:
        monkeypatch.setattr(
            training, f"train_{name}", lambda *arguments, name=name: calls.append((name, arguments)) or name
        )
    for name in existing:
        (tmp_path / f"{name}.keras").touch()
    monkeypatch.setattr(training, "load_network", lambda path: path.stem)
    stages = []
    for stage in ("mine", "refine"):
        record = lambda network, frames, progress, stage=stage: stages.append((stage, network)) or frames  # noqa: E731
        monkeypatch.setattr(training, f"{stage}_proposals", record)
    schedules = PipelineSchedules(*(TrainingConfig(epochs, 1) for epochs in (1, 2, 3)))

    train_networks(frames, [], NAMES, schedules, tmp_path)

    assert [name for name, _ in calls] == trained
    for name, arguments in calls:
        assert arguments[-2:] == (getattr(schedules, name), tmp_path)
        assert None in arguments  # no validation frames
    expected_stages = {("mine", "objectness"), ("refine", "refiner")}
    assert set(stages) == (expected_stages if {"refiner", "classifier"} & {*trained} else set())


def test_last_class_of_the_classifier_is_background(frames, tmp_path, monkeypatch):
    for name in ("objectness", "refiner"):
        (tmp_path / f"{name}.keras").touch()
    monkeypatch.setattr(training, "load_network", lambda path: path.stem)
    for stage in ("mine", "refine"):
        monkeypatch.setattr(training, f"{stage}_proposals", lambda network, frames, progress: frames)
    passed = []
    monkeypatch.setattr(training, "train_classifier", lambda *arguments: passed.extend(arguments))

    train_networks(frames, [], NAMES, PipelineSchedules(), tmp_path)

    assert passed[1] == (*NAMES, "background")
    assert passed[2].__self__.background_class == 2


def test_window_samplers_read_the_parts_of_a_training_set(tiny_release):
    lines = []

    train, val = window_samplers(TrainingSet(tiny_release, "scene", ("1", "2"), ("3",), simulated=1), log=lines.append)

    assert (len(train.frames), len(val.frames)) == (11, 5)
    assert train.frames[-1].scene == SIMULATED
    assert train.augmented and not val.augmented
    assert lines == ["reading 10 frames, simulating 1", "reading 5 frames, simulating 0"]
    assert window_samplers(TrainingSet(tiny_release, "scene", ("1",), ()))[1] is None


@pytest.mark.slow
def test_pipeline_can_be_trained_from_python(tiny_release, tmp_path):
    schedules, progress = PipelineSchedules(*[TrainingConfig(epochs=1, steps=1, batch_size=2)] * 3), []
    training_set = TrainingSet(tiny_release, "scene", ("1",), ())

    folder = train_pipeline(
        training_set, tmp_path / "mine", schedules, seed=4, progress=lambda *counts: progress.append(counts)
    )

    model = json.loads((folder / "model.json").read_text())
    assert (model["name"], model["data"]["train"], model["training"]["seed"]) == ("mine", ["1"], 4)
    assert SlidingWindowDetector.load(folder).name == "mine"
    assert progress == [(1, 2), (2, 2), *((done, 5) for done in range(1, 6))]  # mined in 1 of 3 frames, refined in all
    with pytest.raises(SonarDebrisError, match="holds a run with other options"):
        train_pipeline(training_set, folder, schedules, seed=5)


@pytest.fixture
def set_detections(monkeypatch):
    """Return a function that sets the detections of every frame; it returns the settings that the detector has."""

    def set_detections(xyxy, score, class_id):
        settings_in_use = []

        class Detector(SlidingWindowDetector):
            def __init__(self, objectness, refiner, classifier, settings):
                assert (objectness, refiner, classifier) == ("objectness.keras", "refiner.keras", "classifier.keras")
                self.settings = settings

            def detect(self, frame):
                settings_in_use.append(self.settings)
                boxes, scores = np.float32(xyxy).reshape(-1, 4), np.float32(score)
                return Detections(boxes, scores, np.array(class_id, np.int64), scores, (*NAMES, "unknown"))

        monkeypatch.setattr(detector_module, "_load_shaped", lambda path, *shape: path.name)
        monkeypatch.setattr(detector_module, "CropClassifier", lambda network, names: network)
        monkeypatch.setattr(training, "SlidingWindowDetector", Detector)
        return settings_in_use

    return set_detections


@pytest.fixture
def validation(tmp_path):
    cv2.imwrite(str(tmp_path / "ping.png"), np.full((40, 60), 9, np.uint8))
    return [LabelledFrame("ping", tmp_path / "ping.png", np.array([[5, 5, 25, 25]], np.float32), np.array([1]))]


def test_threshold_is_that_of_the_best_f1(set_detections, validation):
    settings_in_use = set_detections([[5, 5, 25, 25], [30, 5, 50, 25]], [0.7127, 0.4], [1, 1])

    settings = calibrate(Path(), SlidingWindowSettings("m", NAMES, figures={"recall": 0.9}), validation)

    true_score, false_score = np.interp([0.7127, 0.4], *settings.calibration)
    assert false_score < settings.min_score <= true_score  # rounded down; rounded up, the object would be lost
    assert settings.figures == {"recall": 0.9, "validation_map50": 1.0, "validation_map": 1.0, "validation_f1": 1.0}
    assert settings.name == "m"
    assert [(used.min_score, used.calibration) for used in settings_in_use] == [(0, IDENTITY)]


@pytest.mark.parametrize("detections", [([], [], []), ([[5, 5, 25, 25]], [0.7], [2])], ids=["no detection", "unknown"])
def test_threshold_stays_if_no_detection_has_a_class(set_detections, validation, detections):
    set_detections(*detections)

    settings = calibrate(Path(), SlidingWindowSettings("m", NAMES, min_score=0.25), validation)

    assert settings.min_score == 0.25
    assert settings.figures["validation_f1"] == 0
