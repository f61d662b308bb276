import numpy as np
import pytest

from sonar_debris.simulator.background import smooth_noise, speckle


def neighbour_correlation(field, axis):
    later, earlier = np.delete(field, 0, axis), np.delete(field, -1, axis)
    return np.corrcoef(later.ravel(), earlier.ravel())[0, 1]


def test_speckle_has_mean_one_and_is_never_negative():
    field = speckle(np.random.default_rng(0), (300, 200))
    assert field.min() > 0
    assert field.mean() == pytest.approx(1, abs=0.02)


def test_speckle_correlates_across_beams_but_not_along_range():
    field = speckle(np.random.default_rng(0), (300, 200))
    assert neighbour_correlation(field, axis=1) > 0.05
    assert abs(neighbour_correlation(field, axis=0)) < 0.02


@pytest.mark.parametrize("shape", [(2, 2), (288, 128)])
def test_smooth_noise_has_unit_variance(shape):
    assert smooth_noise(np.random.default_rng(0), shape, 1, 1).std() == pytest.approx(1, abs=1e-4)


def test_smooth_noise_is_smoother_along_its_longer_side():
    field = smooth_noise(np.random.default_rng(0), (200, 200), rows=2, cols=20)
    assert neighbour_correlation(field, axis=1) > neighbour_correlation(field, axis=0)
