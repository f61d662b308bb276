import json

import numpy as np
import pytest

from sonar_debris.classifiers.crop_classifier import CropClassifier, letterbox, normalise_crop
from sonar_debris.classifiers.networks import build_residual_classifier
from sonar_debris.errors import SonarDebrisError

NAMES = ("can", "tire", "wall")


@pytest.fixture(scope="module")
def network():
    return build_residual_classifier(3)


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (200, 30), (64, 64), (1, 300)])
def test_letterbox_is_square(shape):
    square = letterbox(np.full(shape, 0.5, np.float32), 32)

    assert square.shape == (32, 32)
    assert square.dtype == np.float32
    np.testing.assert_allclose(square, 0.5, rtol=1e-5)


def test_letterbox_keeps_the_aspect_ratio_and_fills_with_the_mean():
    image = np.tile(np.float32([1, 3]), (40, 10))  # 40 rows, 20 columns, mean 2

    square = letterbox(image, 40)

    np.testing.assert_array_equal(square[:, 10:30], image)
    np.testing.assert_allclose(square[:, :10], 2)
    np.testing.assert_allclose(square[:, 30:], 2)


def test_letterbox_keeps_a_square_of_its_size():
    image = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)

    np.testing.assert_array_equal(letterbox(image, 32), image)


def test_normalised_crop_has_mean_0_and_deviation_1():
    crop = normalise_crop(np.random.default_rng(0).uniform(5, 9, (16, 16)))

    assert crop.dtype == np.float32
    assert crop.mean() == pytest.approx(0, abs=1e-5)
    assert crop.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("value", [0, 0.1, 0.3, 255])
def test_flat_crop_is_zero(value):
    np.testing.assert_allclose(normalise_crop(np.full((64, 64), value, np.float32)), 0, atol=0.05)


def test_probabilities_of_crops_of_any_size(network):
    rng = np.random.default_rng(0)
    crops = [rng.uniform(size=shape) for shape in [(1, 1), (20, 90), (64, 64)]]
    crops = [np.float32(crop) for crop in crops]
    classifier = CropClassifier(network, NAMES)

    probabilities = classifier.predict(crops)

    assert probabilities.shape == (3, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    # Neither gain nor the other crops of the batch change the result.
    np.testing.assert_allclose(classifier.predict([crops[1] * 7 + 2])[0], probabilities[1], atol=1e-4)


def test_no_crops_give_no_probabilities(network):
    assert CropClassifier(network, NAMES).predict([]).shape == (0, 3)


def test_saved_classifier_can_be_loaded(network, tmp_path):
    network.save(tmp_path / "plain.keras")
    (tmp_path / "plain.json").write_text(json.dumps({"class_names": NAMES}))
    crops = [np.random.default_rng(0).uniform(size=(30, 40)).astype(np.float32)]

    loaded = CropClassifier.load(tmp_path / "plain.keras")

    assert loaded.class_names == NAMES
    assert loaded.size == 64
    np.testing.assert_allclose(loaded.predict(crops), CropClassifier(network, NAMES).predict(crops), atol=1e-6)


@pytest.mark.parametrize("content", [None, b"", b"[1]", b"3", b"{}", b"\xff\xfe", b'{"class_names": 3}'])
def test_missing_class_names_are_reported(content, tmp_path):
    if content is not None:
        (tmp_path / "plain.json").write_bytes(content)

    with pytest.raises(SonarDebrisError, match=r"plain\.json: no class names"):
        CropClassifier.load(tmp_path / "plain.keras")


def test_missing_network_is_reported(tmp_path):
    (tmp_path / "plain.json").write_text('{"class_names": ["can"]}')

    with pytest.raises(SonarDebrisError, match=r"plain\.keras: no such network"):
        CropClassifier.load(tmp_path / "plain.keras")
