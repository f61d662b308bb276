import cv2
import numpy as np
import pytest

from sonar_debris.datasets.release import read_crops
from sonar_debris.reproduce.crop_experiments import CropData, pooled_accuracy, read_crop_data, split_crops, warp


def test_crops_are_squares_of_zero_mean_and_unit_deviation(tiny_release):
    data = read_crop_data(tiny_release, read_crops(tiny_release), 32)

    assert data.images.shape == (12, 32, 32) and data.images.dtype == np.float32
    np.testing.assert_allclose(data.images.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(data.images.std((1, 2)), 1, atol=1e-4)
    assert data.class_names == ("bottle", "can") and data.class_id.tolist() == [0] * 6 + [1] * 6


def test_unnormalised_crops_are_in_zero_to_one(tiny_release):
    data = read_crop_data(tiny_release, read_crops(tiny_release), 32, normalised=False)

    assert data.images.min() >= 0 and 0.5 < data.images.max() <= 1


def test_no_crops_are_an_empty_array(tiny_release):
    data = read_crop_data(tiny_release, [], 32)

    assert data.images.shape == (0, 32, 32) and len(data) == 0


def test_training_and_test_crops_of_the_random_split_are_disjoint(tiny_release):
    train, test = split_crops(tiny_release, "random", "")

    assert not {crop.name for crop in train} & {crop.name for crop in test}
    assert len(train) + len(test) == 12


@pytest.mark.parametrize(
    ("degrees", "offset", "scale", "expected"),
    [
        (0, (0, 0), 1, (3, 5)),
        (90, (0, 0), 1, (1, 3)),  # counter-clockwise: right becomes top
        (0, (-2, 2), 1, (5, 3)),  # to the left and down
        (0, (0, 0), 0.5, (3, 4)),  # half as far from the centre
    ],
)
def test_warp_rotates_shifts_and_scales(degrees, offset, scale, expected):
    image = np.zeros((7, 7), np.float32)
    image[3, 5] = 1

    warped = warp(image, degrees, offset, scale)

    assert np.unravel_index(warped.argmax(), warped.shape) == expected
    assert warped[expected] == pytest.approx(1, abs=1e-5)


def test_warp_repeats_the_border():
    np.testing.assert_array_equal(warp(np.ones((4, 4), np.float32), 30, (2, -2), 0.9), 1)


@pytest.fixture
def single_crop():
    image = np.random.default_rng(0).normal(size=(1, 16, 16)).astype(np.float32)
    return CropData(image, np.array([7]), tuple("abcdefgh"))


def test_published_augmentation_has_sixty_variants(single_crop):
    rng = np.random.default_rng(1)

    drawn = [single_crop.draw_published(rng) for _ in range(1500)]

    assert {class_id for _, class_id in drawn} == {7}
    assert len({crop.tobytes() for crop, _ in drawn}) == 60


def test_jittered_crops_differ_and_resemble_the_original(single_crop):
    blurred = np.float32(cv2.GaussianBlur(single_crop.images[0], (0, 0), 3))
    data = CropData(blurred[None], single_crop.class_id, single_crop.class_names)
    rng = np.random.default_rng(2)

    drawn = [data.draw_jittered(rng)[0][..., 0] for _ in range(20)]

    assert len({crop.tobytes() for crop in drawn}) == 20
    assert min(np.corrcoef(crop.ravel(), blurred.ravel())[0, 1] for crop in drawn) > 0.2


def test_draw_returns_the_crop_unchanged(single_crop):
    crop, class_id = single_crop.draw(np.random.default_rng(0))

    assert class_id == 7
    np.testing.assert_array_equal(crop[..., 0], single_crop.images[0])


@pytest.mark.parametrize(
    ("tests", "text"),
    [
        ([([1, 0], [1, 1])], "50.0"),
        ([([1, 0], [1, 1]), ([1], [1])], "66.7 ± 35.4"),  # pooled, not the mean of 0.5 and 1
    ],
)
def test_pooled_accuracy_weighs_tests_by_their_crops(tests, text):
    results = [
        {"given": given, "true": true, "accuracy": float(np.mean(np.equal(given, true)))} for given, true in tests
    ]

    assert pooled_accuracy(results) == text
