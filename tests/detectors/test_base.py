import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.detectors.base import DebrisDetector, detect_isolating_failures
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.errors import SonarDebrisError
from tests.fakes import FakeDetector

ROOT = Path(__file__).parents[2]

SIZES = [(120, 160), (1, 1), (90, 40), (120, 160), (1, 200), (130, 100)]


def assert_valid(detections, shape) -> None:
    """Check what holds for the detections of any networks."""
    rows, cols = shape
    assert np.isfinite(detections.xyxy).all()
    assert (detections.xyxy >= 0).all()
    assert (detections.xyxy <= [cols, rows, cols, rows]).all()
    assert (detections.xyxy[:, :2] < detections.xyxy[:, 2:]).all()
    for values in (detections.score, detections.objectness):
        assert values.dtype == np.float32
        assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(detections.score) <= 0).all()
    assert detections.xyxy.dtype == np.float32
    assert detections.class_id.dtype == np.int64
    assert len(detections.names) == len(detections.xyxy)


def assert_same(a, b) -> None:
    np.testing.assert_allclose(a.xyxy, b.xyxy, atol=1e-3)
    np.testing.assert_allclose(a.score, b.score, atol=1e-4)
    np.testing.assert_array_equal(a.class_id, b.class_id)


def test_batch_of_mixed_sizes_equals_single_frames(detector, make_frame):
    frames = [make_frame(*size) for size in SIZES]

    batch = detector.detect_batch(frames)

    assert len(batch) == len(frames)
    assert len(batch[0])
    for frame, detections in zip(frames, batch, strict=True):
        assert_valid(detections, frame.image.shape)
        assert_same(detector.detect(frame), detections)


def test_empty_batch_has_no_detections(detector):
    assert detector.detect_batch([]) == []


@pytest.mark.parametrize("value", [0, 0.1, 1])
def test_flat_frame_has_valid_detections(value, detector, make_frame):
    assert_valid(detector.detect(make_frame(image=np.full((100, 120), value, np.float32))), (100, 120))


def test_gain_does_not_change_the_detections(detector, make_frame):
    frame = make_frame(120, 160)

    assert_same(detector.detect(make_frame(image=frame.image * 40)), detector.detect(frame))


def test_detection_does_not_change_the_frame(detector, make_frame):
    frame = make_frame(120, 160)
    before = frame.image.copy()

    detector.detect(frame)

    np.testing.assert_array_equal(frame.image, before)


def test_detections_below_min_score_are_left_out(detector, with_settings, make_frame):
    all_detections = detector.detect(make_frame(120, 160))
    threshold = float(np.median(all_detections.score))

    detections = with_settings(min_score=threshold).detect(make_frame(120, 160))

    assert 0 < len(detections) < len(all_detections)
    assert detections.score.min() >= threshold
    assert_same(detections, all_detections[all_detections.score >= threshold])


def test_no_score_is_above_one(with_settings, make_frame):
    detections = with_settings(min_score=1.01).detect(make_frame(120, 160))

    assert detections.xyxy.shape == (0, 4)
    assert detections.names == []


@pytest.mark.parametrize(("min_probability", "unknown"), [(1.0, True), (0.0, False)])
def test_improbable_class_is_unknown(min_probability, unknown, with_settings, make_frame):
    detections = with_settings(min_probability=min_probability).detect(make_frame(120, 160))

    assert len(detections)
    assert {name == "unknown" for name in detections.names} == {unknown}


def test_candidates_limit_the_detections(with_settings, make_frame):
    assert len(with_settings(candidates=2).detect(make_frame(120, 160))) <= 2
    assert len(with_settings(candidates=0).detect(make_frame(120, 160))) == 0


def test_proposals_are_sorted_and_inside_the_frame(detector, make_frame):
    boxes, objectness = detector.propose(make_frame(120, 160))

    assert len(boxes) == len(objectness) > 0
    assert (np.diff(objectness) <= 0).all()
    assert ((objectness >= 0) & (objectness <= 1)).all()
    assert ((boxes >= 0) & (boxes <= [160, 120, 160, 120])).all()


def test_class_names_and_threshold_are_those_of_the_model(detector):
    assert detector.name == "untrained"
    assert detector.min_score == 0
    assert detector.class_names == (*detector.settings.class_names, "unknown")


def test_given_min_score_replaces_that_of_the_model(untrained_model):
    assert DebrisDetector.from_pretrained(untrained_model, min_score=0.7).min_score == 0.7


@pytest.mark.parametrize("min_score", [-0.1, 1.1, float("nan")])
def test_min_score_out_of_range_is_refused(min_score, untrained_model):
    with pytest.raises(ValueError, match=rf"min_score must lie in \[0, 1\]. Received: {min_score}"):
        DebrisDetector.from_pretrained(untrained_model, min_score=min_score)


def test_unknown_model_is_refused():
    with pytest.raises(SonarDebrisError, match="no such model"):
        DebrisDetector.from_pretrained("no-such-model")


def test_model_of_an_unknown_kind_is_refused(tmp_path):
    (tmp_path / "model.json").write_text('{"format_version": 1, "kind": "crystal-ball"}')

    with pytest.raises(SonarDebrisError, match="kind 'crystal-ball' is not one of single-pass, sliding-window"):
        DebrisDetector.from_pretrained(tmp_path)


def test_reports_selects_what_the_thresholds_keep(single_pass, make_frame):
    frame, calibration = make_frame(120, 160), ((0.0, 0.5, 1.0), (0.0, 0.3, 1.0))
    complete = single_pass.with_settings(calibration=calibration).detect(frame)
    min_score = float(np.quantile(complete.score, 0.9))
    object_score = np.interp(complete.objectness, *calibration)
    for unknown_min_score in (1.0, float(np.quantile(object_score, 0.5))):
        detector = single_pass.with_settings(
            calibration=calibration, min_score=min_score, unknown_min_score=unknown_min_score, alternative_max_score=0.0
        )

        kept = complete[detector.reports(complete)]

        assert 0 < len(kept) < len(complete)
        reported = detector.detect(frame)
        # Boxes that are reported as unknown rank by another score.
        np.testing.assert_array_equal(np.unique(kept.xyxy, axis=0), np.unique(reported.xyxy, axis=0))
        assert len(kept) == len(reported)


def test_scores_are_calibrated(detector, with_settings, make_frame):
    before = detector.detect(make_frame(120, 160))

    after = with_settings(calibration=((0.0, 1.0), (0.0, 0.5))).detect(make_frame(120, 160))

    np.testing.assert_allclose(after.score, before.score / 2, rtol=1e-4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "detector.keras").unlink(),
        lambda folder: (folder / "detector.keras").write_bytes(b""),
        lambda folder: (folder / "detector.keras").write_bytes(b"PK\x03\x04 and no more"),
        lambda folder: os.truncate(folder / "detector.keras", 1000),
        lambda folder: (folder / "model.json").write_text("{"),
        lambda folder: SinglePassSettings("m", ("can", "tire")).save(
            folder / "model.json"
        ),  # the network has 11 classes
    ],
)
def test_damaged_model_folder_is_one_line(damage, untrained_single_pass, tmp_path):
    folder = shutil.copytree(untrained_single_pass, tmp_path / "model")
    damage(folder)

    with pytest.raises(SonarDebrisError) as error:
        DebrisDetector.from_pretrained(folder)
    assert str(error.value).startswith(str(folder))
    assert "\n" not in str(error.value)


def test_error_of_any_type_while_loading_is_one_line(untrained_single_pass, monkeypatch):
    def fail(folder):
        raise KeyError("no\nlayer")

    monkeypatch.setattr("sonar_debris.detectors.single_pass.detector.SinglePassDetector.load", fail)

    with pytest.raises(SonarDebrisError, match="the model cannot be loaded") as error:
        DebrisDetector.from_pretrained(untrained_single_pass)
    assert "\n" not in str(error.value)


def test_failing_frame_does_not_stop_the_batch(make_frame):
    frames = [make_frame(12, 10), make_frame(image=np.ones((1, 1), np.float32)), make_frame(12, 10)]

    first, failure, last = detect_isolating_failures(FakeDetector(), frames)

    assert first.names == last.names == ["tire"]
    assert isinstance(failure, ValueError)


# A detector of another package, with one entry point and nothing trained: the brightest pixel is a lamp.
LAMP_DETECTOR = """
import numpy as np
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import ModelSettings


class LampSettings(ModelSettings):
    kind = "lamp"


class LampDetector(DebrisDetector):
    def __init__(self, settings):
        self.settings = settings

    @classmethod
    def load(cls, folder):
        return cls(LampSettings.load(folder / "model.json"))

    def detect_batch(self, frames):
        return [self._detect(frame.image) for frame in frames]

    def propose(self, frame):
        detections = self._detect(frame.image)
        return detections.xyxy, detections.objectness

    def _detect(self, image):
        y, x = np.unravel_index(image.argmax(), image.shape)
        box = np.float32([[x, y, x + 1, y + 1]])
        return Detections(box, np.float32([0.9]), np.array([0]), np.float32([0.9]), self.class_names)
"""
ENTRY_POINTS = """
[sonar_debris.detectors]
lamp = lamp_package:LampDetector
absent = no_such_package:Detector
wrong = lamp_package:LampSettings
"""


@pytest.fixture
def detect_with_lamp_package(tmp_path, write_frame):
    """Return a function that runs ``sonar-debris detect`` with a model of a given kind, and the package installed."""
    packages = tmp_path / "packages"
    (packages / "lamp_package-1.0.dist-info").mkdir(parents=True)
    (packages / "lamp_package.py").write_text(LAMP_DETECTOR)
    (packages / "lamp_package-1.0.dist-info" / "METADATA").write_text("Name: lamp-package\nVersion: 1.0\n")
    (packages / "lamp_package-1.0.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)

    def detect(kind: str) -> subprocess.CompletedProcess:
        model = tmp_path / "model"
        model.mkdir()
        description = {"format_version": 1, "kind": kind, "name": "my-lamp", "class_names": ["lamp"]}
        (model / "model.json").write_text(json.dumps(description))
        words = [write_frame("frames/1.png"), "-o", tmp_path / "out", "--no-images", "--model", model]
        command = [sys.executable, "cli.py", "detect", *map(str, words)]
        environment = os.environ | {"PYTHONPATH": str(packages)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    return detect


def test_detector_of_another_package_is_used_by_detect(detect_with_lamp_package, tmp_path):
    result = detect_with_lamp_package("lamp")

    assert result.returncode == 0, result.stderr
    coco = json.loads((tmp_path / "out" / "detections.coco.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["lamp", "unknown"]
    assert [annotation["bbox"] for annotation in coco["annotations"]] == [[0, 0, 1, 1]]
    assert coco["info"]["model"] == "my-lamp"


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("absent", "cannot import the detector no_such_package:Detector (No module named 'no_such_package')"),
        ("wrong", "lamp_package:LampSettings is not a subclass of DebrisDetector"),
        ("other", "kind 'other' is not one of single-pass, sliding-window, lamp, absent, wrong"),
    ],
)
def test_broken_detector_of_another_package_is_one_line(kind, problem, detect_with_lamp_package):
    result = detect_with_lamp_package(kind)

    assert result.returncode == 2
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["objectness", "refiner", "classifier"])
def test_network_of_another_architecture_is_one_line(name, untrained_model, tmp_path):
    folder = shutil.copytree(untrained_model, tmp_path / "model")
    other = {"objectness": "refiner", "refiner": "classifier", "classifier": "objectness"}[name]
    shutil.copy(folder / f"{other}.keras", folder / f"{name}.keras")

    with pytest.raises(SonarDebrisError, match=rf"{name}\.keras: not the network of this detector") as error:
        DebrisDetector.from_pretrained(folder)
    assert "\n" not in str(error.value)


def test_output_that_is_not_finite_is_an_error_and_not_an_empty_result(detector, make_frame, monkeypatch):
    network = detector.network if hasattr(detector, "network") else detector.classifier.network
    weights = network.get_weights()
    monkeypatch.setattr(network, "set_weights", network.set_weights)
    network.set_weights([np.full_like(weight, 1e38) if weight.ndim == 4 else weight for weight in weights])
    try:
        with pytest.raises(ValueError, match="not finite"):
            detector.detect(make_frame(64, 64))
    finally:
        network.set_weights(weights)


def test_an_object_without_a_sure_class_is_reported_as_unknown_above_its_own_threshold():
    detector = FakeDetector().with_settings(min_score=0.5, unknown_min_score=0.3)
    boxes = np.arange(16, dtype=np.float32).reshape(4, 4)
    objectness = np.float32([0.9, 0.6, 0.4, 0.2])
    probabilities = np.float32([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.9, 0.1]])

    detections = detector._label(boxes, objectness, probabilities)
    assert detections.names == ["can", "unknown", "unknown"]
    assert detections.score == pytest.approx([0.81, 0.6, 0.4])

    assert detector.with_settings(unknown_min_score=1.0)._label(boxes, objectness, probabilities).names == ["can"]
    complete = detector.with_settings(min_score=0.0)._label(boxes, objectness, probabilities)
    assert complete.names == ["can"] * 4
