import cv2
import numpy as np
import pytest

from sonar_debris.classifiers.training import CropSampler
from sonar_debris.datasets.release import read_crops


@pytest.fixture
def crops(tiny_release):
    return read_crops(tiny_release)


@pytest.mark.parametrize(("size", "augmented"), [(32, False), (64, False), (64, True)])
def test_crops_lie_as_in_frames_and_bear_their_class(crops, size, augmented):
    """In the files a bottle's stripes run along range, a can's along bearing: once turned, down and across."""
    sampler = CropSampler(crops, size, augmented)
    seen = set()

    for seed in range(40):
        crop, class_id = sampler.classification(np.random.default_rng(seed))
        down, across = (np.abs(np.diff(crop[..., 0], axis=axis)).mean() for axis in (0, 1))
        assert class_id == (0 if across > down else 1)
        assert (crop.shape, crop.dtype) == ((size, size, 1), np.float32)
        assert (crop.mean(), crop.std()) == pytest.approx((0, 1), abs=1e-3)
        seen.add(class_id)

    assert seen == {0, 1}


def test_a_crop_that_is_not_augmented_is_always_the_same(crops):
    one, other = (CropSampler(crops[:1], augmented=False).classification(np.random.default_rng(k))[0] for k in (1, 2))

    np.testing.assert_array_equal(one, other)


def test_an_augmented_crop_is_not(crops):
    one, other = (CropSampler(crops[:1]).classification(np.random.default_rng(k))[0] for k in (1, 2))

    assert np.abs(one - other).max() > 0.1


def test_a_crop_keeps_its_aspect(tmp_path):
    (tmp_path / "watertank-cropped" / "can").mkdir(parents=True)
    # 20 columns of range and 10 rows of bearing: turned, twice as high as wide.
    pixels = np.random.default_rng(0).integers(0, 255, (10, 20), np.uint8)
    cv2.imwrite(str(tmp_path / "watertank-cropped" / "can" / "can-0.png"), pixels)

    crop, _ = CropSampler(read_crops(tmp_path), 40, augmented=False).classification(np.random.default_rng(0))

    shown = np.flatnonzero((crop[..., 0] != crop[0, 0, 0]).any(axis=0))
    assert shown[0] == pytest.approx(10, abs=1) and shown[-1] == pytest.approx(29, abs=1)
