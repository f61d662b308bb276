import json

import cv2
import numpy as np
import pytest

from sonar_debris.classifiers.crop_classifier import CropClassifier, normalise_crop
from sonar_debris.classifiers.training import CropSampler, crop_samplers, smoothed_cross_entropy, train_classifier
from sonar_debris.datasets.release import read_crops
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.training import TrainingConfig


@pytest.fixture
def crops(tiny_release):
    return read_crops(tiny_release)


@pytest.mark.parametrize(("size", "augmented"), [(32, False), (64, False), (64, True)])
def test_crops_are_oriented_as_in_frames_and_keep_their_class(crops, size, augmented):
    """In the files a bottle's stripes run along range, a can's along bearing; after the turn, down and across."""
    sampler = CropSampler(crops, size, augmented)
    classes = set()

    for seed in range(40):
        crop, class_id = sampler.classification(np.random.default_rng(seed))
        down, across = (np.abs(np.diff(crop[..., 0], axis=axis)).mean() for axis in (0, 1))
        assert class_id == (0 if across > down else 1)
        assert (crop.shape, crop.dtype) == ((size, size, 1), np.float32)
        assert (crop.mean(), crop.std()) == pytest.approx((0, 1), abs=1e-3)
        classes.add(class_id)

    assert classes == {0, 1}


def test_crop_without_augmentation_is_always_the_same(crops):
    sampler = CropSampler(crops[:1], augmented=False)

    first, second = (sampler.classification(np.random.default_rng(seed))[0] for seed in (1, 2))

    np.testing.assert_array_equal(first, second)


def test_augmented_crops_differ(crops):
    first, second = (CropSampler(crops[:1]).classification(np.random.default_rng(seed))[0] for seed in (1, 2))

    assert np.abs(first - second).max() > 0.1


def test_crop_keeps_its_aspect_ratio(tmp_path):
    (tmp_path / "watertank-cropped" / "can").mkdir(parents=True)
    # 20 columns of range and 10 rows of bearing: after the turn twice as high as wide.
    pixels = np.random.default_rng(0).integers(0, 255, (10, 20), np.uint8)
    cv2.imwrite(str(tmp_path / "watertank-cropped" / "can" / "can-0.png"), pixels)

    crop, _ = CropSampler(read_crops(tmp_path), 40, augmented=False).classification(np.random.default_rng(0))

    columns = np.flatnonzero((crop[..., 0] != crop[0, 0, 0]).any(axis=0))
    assert columns[0] == pytest.approx(10, abs=1) and columns[-1] == pytest.approx(29, abs=1)


def test_random_split_of_crops_has_no_validation_part(tiny_release):
    names, train, val = crop_samplers(TrainingSet(tiny_release, "random", ("train",), ("val",)), size=16)

    assert (names, len(train.images), train.size, train.augmented) == (("bottle", "can"), 8, 16, True)
    assert val is None


def test_validation_crops_are_not_augmented(tiny_release):
    _, train, val = crop_samplers(TrainingSet(tiny_release, "random", ("train",), ("test",)))

    assert (len(train.images), len(val.images)) == (8, 4)
    assert not val.augmented


def sample(rng):
    """Draw a crop: class 0 is bright above, class 1 below."""
    class_id = int(rng.integers(2))
    crop = rng.normal(0, 0.1, (16, 16, 1))
    crop[8 * class_id : 8 * class_id + 8] += 1
    return normalise_crop(crop), class_id


def test_trained_classifier_classifies_crops_and_records_its_training_data(tmp_path):
    config = TrainingConfig(epochs=2, steps=10, batch_size=8, learning_rate=0.01)
    description = {"data": {"split": "scene"}}

    train_classifier("mlp-dropout-relu", ("up", "down"), sample, sample, config, tmp_path, 16, description)

    assert json.loads((tmp_path / "classifier.json").read_text()) == {
        "network": "mlp-dropout-relu",
        "class_names": ["up", "down"],
        "data": {"split": "scene"},
    }
    classifier = CropClassifier.load(tmp_path / "classifier.keras")
    crops, classes = zip(*(sample(np.random.default_rng(seed)) for seed in range(20)), strict=True)
    np.testing.assert_array_equal(classifier.predict([crop[..., 0] for crop in crops]).argmax(axis=1), classes)


@pytest.mark.parametrize("target", [[2, 0], [[2], [0]]], ids=["flat", "column"])
def test_five_percent_of_the_target_is_spread(target):
    predicted = np.float32([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    smoothed = np.array([[1, 1, 58], [58, 1, 1]]) / 60  # 0.05 / 3 and 0.95 + 0.05 / 3

    loss = np.asarray(smoothed_cross_entropy(np.array(target), predicted))

    np.testing.assert_allclose(loss, -(smoothed * np.log(predicted)).sum(axis=1), atol=1e-5)
