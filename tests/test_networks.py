import keras
import numpy as np
import pytest

from sonar_debris.networks import residual_trunk


@pytest.mark.parametrize(("size", "widths"), [(64, (8,)), (64, (4, 8, 12)), (32, (4, 4, 8, 8, 16))])
def test_every_width_halves_the_resolution(size, widths):
    features = residual_trunk(keras.Input((size, size, 1)), widths)

    side = size // 2 ** len(widths)
    assert features.shape == (None, side, side, widths[-1])


def test_features_are_rectified_and_follow_the_crop():
    crops = keras.Input((16, 16, 1))
    trunk = keras.Model(crops, residual_trunk(crops, (4, 8)))

    one, other = np.asarray(trunk(np.random.default_rng(0).standard_normal((2, 16, 16, 1), np.float32)))

    assert (one >= 0).all()
    assert not np.allclose(one, other)
