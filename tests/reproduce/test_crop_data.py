import numpy as np
import pytest

from sonar_debris.datasets.crops import read_crops
from sonar_debris.reproduce.crop_data import CropData, read_crop_data, split_crops, turn_and_move


def test_crops_are_squares_of_zero_mean_and_unit_deviation(tiny_release):
    data = read_crop_data(tiny_release, read_crops(tiny_release), 32)

    assert data.images.shape == (12, 32, 32) and data.images.dtype == np.float32
    np.testing.assert_allclose(data.images.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(data.images.std((1, 2)), 1, atol=1e-4)
    assert data.class_names == ("bottle", "can") and data.class_id.tolist() == [0] * 6 + [1] * 6


def test_crops_as_they_are(tiny_release):
    data = read_crop_data(tiny_release, read_crops(tiny_release), 32, normalised=False)

    assert data.images.min() >= 0 and 0.5 < data.images.max() <= 1


def test_no_crops(tiny_release):
    data = read_crop_data(tiny_release, [], 32)

    assert data.images.shape == (0, 32, 32) and len(data) == 0


def test_random_parts_share_no_crop(tiny_release):
    train, test = split_crops(tiny_release, "random", "")

    assert not {crop.name for crop in train} & {crop.name for crop in test}
    assert len(train) + len(test) == 12


@pytest.mark.parametrize(
    ("degrees", "offset", "at"),
    [
        (0, (0, 0), (2, 4)),
        (90, (0, 0), (0, 2)),  # counter-clockwise: what lay to the right lies at the top
        (0, (-2, 2), (4, 2)),  # to the left and down
    ],
)
def test_turn_and_move(degrees, offset, at):
    image = np.zeros((5, 5), np.float32)
    image[2, 4] = 1

    moved = turn_and_move(image, degrees, offset)

    assert moved[at] == pytest.approx(1, abs=1e-5) and moved.sum() == pytest.approx(1, abs=1e-4)


def test_augmentation_has_sixty_variants():
    image = np.random.default_rng(0).normal(size=(1, 16, 16)).astype(np.float32)
    data = CropData(image, np.array([7]), tuple("abcdefgh"))
    rng = np.random.default_rng(1)

    drawn = [data.draw_augmented(rng) for _ in range(1500)]

    assert {class_id for _, class_id in drawn} == {7}
    assert len({crop.tobytes() for crop, _ in drawn}) == 60
    assert all(np.array_equal(data.draw(rng)[0][..., 0], image[0]) for _ in range(3))
