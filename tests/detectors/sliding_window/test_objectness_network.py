import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.networks import STRIDE, WINDOW, build_objectness, make_dense


@pytest.fixture(scope="module")
def network():
    """A network whose biases and batch-norm statistics are as uneven as those of a trained one."""
    network = build_objectness()
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.name.startswith("norm"):
            positive, zero_mean = rng.uniform(0.5, 2, (2, 32)), rng.normal(0, 0.5, (2, 32))
            layer.set_weights([positive[0], zero_mean[0], zero_mean[1], positive[1]])
    for name in ("fc", "objectness"):
        kernel, bias = network.get_layer(name).get_weights()
        network.get_layer(name).set_weights([kernel, rng.normal(0, 0.3, bias.shape)])
    return network


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("shape", [(96, 96), (99, 100), (111, 96), (103, 122), (120, 104)])
def test_dense_scores_are_those_of_the_windows(network, shape, step):
    images = np.random.default_rng(1).standard_normal((2, *shape, 1), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(images[..., 0], (WINDOW, WINDOW), axis=(1, 2))
    windows = windows[:, :: STRIDE * step, :: STRIDE * step]

    dense = make_dense(network, step).predict(images, verbose=0)

    scores = network.predict(windows.reshape(-1, WINDOW, WINDOW, 1), verbose=0)
    assert dense.dtype == np.float32
    assert dense.shape[1:3] == tuple((side - WINDOW) // (STRIDE * step) + 1 for side in shape)
    np.testing.assert_allclose(dense, scores.reshape(dense.shape), rtol=0, atol=1e-5)
    assert scores.size == 2 or np.ptp(scores) > 1e-3  # else any map would do


def test_one_dense_network_takes_images_of_any_size(network):
    dense = make_dense(network)

    maps = [dense.predict(np.zeros((1, *shape, 1), np.float32), verbose=0).shape for shape in [(96, 128), (160, 100)]]

    assert maps == [(1, 1, 9, 1), (1, 17, 2, 1)]


def test_scores_are_between_0_and_1():
    windows = 100 * np.random.default_rng(1).standard_normal((8, WINDOW, WINDOW, 1), np.float32)

    scores = build_objectness().predict(windows, verbose=0)

    assert scores.shape == (8, 1)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_the_network_is_the_published_one():
    # Conv(1 → 32) and Conv(32 → 32) of 5×5, their batch norms, FC(21·21·32 → 96), FC(96 → 1).
    expected = 25 * 32 + 25 * 32 * 32 + 2 * 4 * 32 + (21 * 21 * 32 + 1) * 96 + 97

    assert build_objectness().count_params() == expected
