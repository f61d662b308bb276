"""Fixtures of the detectors' tests: detectors of untrained networks, and frames."""

from pathlib import Path

import keras
import numpy as np
import pytest

from sonar_debris.classifiers.networks import build_residual_classifier
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SinglePassSettings, SlidingWindowSettings
from sonar_debris.detectors.single_pass.network import build_single_pass
from sonar_debris.detectors.sliding_window.networks import build_box_refiner, build_objectness
from sonar_debris.frames import Frame

CLASS_NAMES = tuple(f"class-{number}" for number in range(11))
# Untrained networks detect as many objects as the settings permit: few proposals keep the tests fast.
SETTINGS = SlidingWindowSettings("untrained", CLASS_NAMES, step=4, proposals=12, candidates=6, min_score=0.0)


@pytest.fixture(scope="session")
def untrained_model(tmp_path_factory) -> Path:
    """Create a model folder of untrained networks of the sliding-window detector."""
    folder = tmp_path_factory.mktemp("untrained")
    keras.utils.set_random_seed(0)
    build_objectness().save(folder / "objectness.keras")
    build_box_refiner().save(folder / "refiner.keras")
    build_residual_classifier(len(CLASS_NAMES) + 1).save(folder / "classifier.keras")
    SETTINGS.save(folder / "model.json")
    return folder


@pytest.fixture(scope="session")
def untrained_single_pass(tmp_path_factory) -> Path:
    """Create a model folder of an untrained single-pass network."""
    folder = tmp_path_factory.mktemp("single-pass")
    keras.utils.set_random_seed(0)
    build_single_pass(len(CLASS_NAMES)).save(folder / "detector.keras")
    SinglePassSettings("untrained", CLASS_NAMES, min_score=0.0).save(folder / "model.json")
    return folder


@pytest.fixture(scope="session")
def sliding_window(untrained_model) -> DebrisDetector:
    return DebrisDetector.from_pretrained(untrained_model)


@pytest.fixture(scope="session")
def single_pass(untrained_single_pass) -> DebrisDetector:
    return DebrisDetector.from_pretrained(untrained_single_pass)


@pytest.fixture(params=["sliding_window", "single_pass"])
def detector(request) -> DebrisDetector:
    """Return a detector of each kind."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def with_settings(detector):
    """Return a function that returns the detector with other settings."""
    return detector.with_settings


@pytest.fixture
def make_frame():
    """Return a function that makes a frame ``(rows, cols)`` of speckle with two echoes, or of a given image."""

    def make(rows: int = 0, cols: int = 0, image: np.ndarray | None = None) -> Frame:
        if image is None:
            image = np.random.default_rng(rows + cols).rayleigh(0.1, (rows, cols)).astype(np.float32)
            image[rows // 3 : rows // 2, cols // 4 : cols // 2] += 0.5
            image[rows // 2 : rows // 2 + 9, -cols // 3 :] += 0.3
        return Frame(image, Path("frame.png"), "frame.png")

    return make
