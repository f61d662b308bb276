"""What all crop classifiers have in common: crops in, probabilities out."""

import numpy as np
import pytest

from sonar_debris.classifiers.training import CLASSIFIERS


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize(("classes", "size"), [(11, 64), (3, 40)])
def test_probabilities_sum_to_one(name, classes, size):
    network = CLASSIFIERS[name](classes, size=size)
    crops = np.random.default_rng(0).standard_normal((3, size, size, 1), np.float32)

    probability = np.asarray(network(crops))

    assert probability.shape == (3, classes)
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert np.abs(probability[0] - probability[1]).max() > 1e-4
