import numpy as np
import pytest

from sonar_debris.training import SampledBatches


def sample(rng):
    return rng.standard_normal((4, 4, 1), np.float32), rng.integers(10)


def batches(seed=0, epoch=0):
    made = SampledBatches(sample, batch_size=3, steps=4, seed=seed)
    made.epoch = epoch
    return made


def test_shapes():
    inputs, targets = batches()[0]

    assert len(batches()) == 4
    assert (inputs.shape, inputs.dtype, targets.shape) == ((3, 4, 4, 1), np.float32, (3,))


def test_a_batch_is_the_same_in_whatever_order_it_is_drawn():
    forwards, backwards = batches(), batches()

    one = [forwards[index][0] for index in range(4)]
    other = [backwards[index][0] for index in reversed(range(4))]

    np.testing.assert_array_equal(one, other[::-1])
    assert len(np.unique([inputs.sum() for inputs in one])) == 4


@pytest.mark.parametrize("changed", [{"seed": 1}, {"epoch": 1}])
def test_other_seeds_and_epochs_give_other_samples(changed):
    assert np.abs(batches()[2][0] - batches(**changed)[2][0]).max() > 0.1


def test_all_batches_in_one():
    inputs, targets = batches().all()

    assert (inputs.shape, targets.shape) == ((12, 4, 4, 1), (12,))
    np.testing.assert_array_equal(inputs[3:6], batches()[1][0])
    np.testing.assert_array_equal(targets[3:6], batches()[1][1])
