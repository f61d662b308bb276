import keras
import numpy as np
import pytest

from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE, build_single_pass


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return build_single_pass(11)


@pytest.mark.parametrize("shape", [(MULTIPLE, MULTIPLE), (64, 96), (96, 64)])
def test_a_grid_of_answers_for_frames_of_any_multiple(network, shape):
    frames = np.random.default_rng(0).normal(size=(2, *shape, 1)).astype(np.float32)

    output = network.predict_on_batch(frames)

    assert output.shape == (2, shape[0] // STRIDE, shape[1] // STRIDE, 16)
    assert ((output[..., 0] > 0) & (output[..., 0] < 1)).all()
    assert (output[..., 1:5] > 0).all()
    np.testing.assert_allclose(output[..., 5:].sum(axis=-1), 1, atol=1e-5)


def test_to_begin_with_hardly_anything_is_an_object(network):
    output = network.predict_on_batch(np.zeros((1, 64, 64, 1), np.float32))

    assert output[..., 0].max() < 0.05


def test_size(network):
    assert network.count_params() <= 2_500_000
