import keras
import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.networks import (
    OBJECTNESS_WINDOW,
    REFINER_SIZE,
    STRIDE,
    build_box_refiner,
    build_objectness,
    make_dense,
    refinement_loss,
)


@pytest.fixture(scope="module")
def network():
    """Return a network whose biases and batch-norm statistics are as uneven as those of a trained network."""
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
def test_dense_scores_equal_the_scores_of_the_windows(network, shape, step):
    images = np.random.default_rng(1).standard_normal((2, *shape, 1), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(
        images[..., 0], (OBJECTNESS_WINDOW, OBJECTNESS_WINDOW), axis=(1, 2)
    )
    windows = windows[:, :: STRIDE * step, :: STRIDE * step]

    dense = make_dense(network, step).predict(images, verbose=0)

    scores = network.predict(windows.reshape(-1, OBJECTNESS_WINDOW, OBJECTNESS_WINDOW, 1), verbose=0)
    assert dense.dtype == np.float32
    assert dense.shape[1:3] == tuple((side - OBJECTNESS_WINDOW) // (STRIDE * step) + 1 for side in shape)
    np.testing.assert_allclose(dense, scores.reshape(dense.shape), rtol=0, atol=1e-5)
    assert scores.size == 2 or np.ptp(scores) > 1e-3  # a constant map would prove nothing


def test_dense_network_takes_images_of_any_size(network):
    dense = make_dense(network)

    maps = [dense.predict(np.zeros((1, *shape, 1), np.float32), verbose=0).shape for shape in [(96, 128), (160, 100)]]

    assert maps == [(1, 1, 9, 1), (1, 17, 2, 1)]


def test_objectness_is_between_0_and_1():
    windows = 100 * np.random.default_rng(1).standard_normal((8, OBJECTNESS_WINDOW, OBJECTNESS_WINDOW, 1), np.float32)

    scores = build_objectness().predict(windows, verbose=0)

    assert scores.shape == (8, 1)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_objectness_network_has_the_published_number_of_weights():
    # Conv(1 → 32) and Conv(32 → 32) of 5×5, their batch norms, FC(21·21·32 → 96), FC(96 → 1).
    expected = 25 * 32 + 25 * 32 * 32 + 2 * 4 * 32 + (21 * 21 * 32 + 1) * 96 + 97

    assert build_objectness().count_params() == expected


def test_box_refiner_predicts_four_offsets_and_an_iou():
    crops = 5 * np.random.default_rng(0).standard_normal((6, REFINER_SIZE, REFINER_SIZE, 1), np.float32)

    refined = np.asarray(build_box_refiner()(crops))

    assert refined.shape == (6, 5)
    assert np.isfinite(refined).all()
    assert (refined[:, :4] < 0).any()  # offsets go both ways
    assert ((refined[:, 4] > 0) & (refined[:, 4] < 1)).all()


def loss(target, predicted):
    return np.asarray(refinement_loss(np.float32(target), np.float32(predicted)))


def gradient(target, predicted):
    """Return the gradient at a prediction: a step of gradient descent of a network whose weights are its output."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(5, use_bias=False)])
    network.set_weights([np.float32([predicted])])
    network.compile(keras.optimizers.SGD(1.0), refinement_loss, run_eagerly=True)
    network.train_on_batch(np.ones((1, 1), np.float32), np.float32([target]))
    return np.float32(predicted) - network.get_weights()[0][0]


@pytest.mark.parametrize("offsets", [[0, 0, 0, 0], [0.3, -0.2, 0.5, -0.5]])
def test_perfect_box_with_a_certain_score_has_no_loss(offsets):
    assert loss([[*offsets, 1]], [[*offsets, 1]]) == pytest.approx(0, abs=1e-4)


def test_loss_by_hand():
    # Moved by half its width: IoU 1/3; centres 0.5 apart in a hull of 1.5 × 1.
    expected = 1 - 1 / 3 + 0.25 / 3.25 - (np.log(0.4) / 3 + 2 / 3 * np.log(0.6))

    assert loss([[0, 0, 0, 0, 1]], [[0.5, 0, 0, 0, 0.4]]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize("sign", [-1, 1])
def test_loss_grows_with_the_error(axis, sign):
    predicted = np.zeros((6, 5))
    predicted[:, axis] = sign * np.linspace(0, 1.9, 6)  # from a perfect fit to no overlap
    predicted[:, 4] = 0.5

    assert (np.diff(loss([[0, 0, 0, 0, 1]] * 6, predicted)) > 0.01).all()


def test_loss_is_lowest_where_the_score_equals_the_iou():
    scores = np.linspace(0.05, 0.95, 19)
    predicted = [[0.5, 0, 0, 0, score] for score in scores]  # IoU 1/3

    assert scores[loss([[0, 0, 0, 0, 1]] * 19, predicted).argmin()] == pytest.approx(1 / 3, abs=0.03)


def test_loss_of_background_is_the_entropy_of_its_score():
    predicted = [[0, 0, 0, 0, 0.3], [2, -1, 0.5, 1, 0.3]]

    np.testing.assert_allclose(loss([[0, 0, 0, 0, 0]] * 2, predicted), -np.log(0.7), atol=1e-5)
    np.testing.assert_array_equal(gradient([0, 0, 0, 0, 0], predicted[1])[:4], 0)


def test_gradient_points_to_the_object_without_overlap():
    gradients = gradient([0, 0, 0, 0, 1], [5, -4, 0, 0, 0.5])

    assert np.isfinite(gradients).all()
    assert gradients[0] > 0.001 and gradients[1] < -0.001


@pytest.mark.parametrize("stretch", [-60, 60])
@pytest.mark.parametrize("score", [0, 1])
def test_extreme_predictions_stay_finite(stretch, score):
    predicted = [50, -50, stretch, stretch, score]

    for present in (0, 1):
        assert np.isfinite(loss([[0, 0, 0, 0, present]], [predicted])).all()
        assert np.isfinite(gradient([0, 0, 0, 0, present], predicted)).all()


def test_empty_batch_has_no_losses():
    assert loss(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)
