import numpy as np
import pytest

from sonar_debris.reproduce.shared_features import shared_loss

LN2 = np.log(2)


@pytest.mark.parametrize(
    ("target", "predicted", "loss"),
    [
        ([1, 0], [0.5, 0.25, 0.75], LN2 + 2 * LN2),  # both heads count
        ([0, -1], [0.5, 0.25, 0.75], LN2),  # background has no name
        ([1, 1], [1 - 1e-7, 1e-7, 1 - 1e-7], 0),
        ([0.5, 0], [0.5, 1 - 1e-7, 1e-7], LN2),  # a ramp of one half is met best by one half
    ],
)
def test_loss_by_hand(target, predicted, loss):
    value = shared_loss(np.array([target], np.float32), np.array([predicted], np.float32))

    np.testing.assert_allclose(value, [loss], atol=1e-5)
