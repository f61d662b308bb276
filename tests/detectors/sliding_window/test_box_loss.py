import keras
import numpy as np
import pytest

from sonar_debris.detectors.sliding_window.training import refinement_loss


def loss(target, predicted):
    return np.asarray(refinement_loss(np.float32(target), np.float32(predicted)))


def gradient(target, predicted):
    """The gradient at a prediction, from a step of plain descent of a network that is nothing but its output."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(5, use_bias=False)])
    network.set_weights([np.float32([predicted])])
    network.compile(keras.optimizers.SGD(1.0), refinement_loss, run_eagerly=True)
    network.train_on_batch(np.ones((1, 1), np.float32), np.float32([target]))
    return np.float32(predicted) - network.get_weights()[0][0]


@pytest.mark.parametrize("offsets", [[0, 0, 0, 0], [0.3, -0.2, 0.5, -0.5]])
def test_a_perfect_box_of_a_sure_score_costs_nothing(offsets):
    assert loss([[*offsets, 1]], [[*offsets, 1]]) == pytest.approx(0, abs=1e-4)


def test_a_box_by_hand():
    # Moved by half its width: IoU 1/3; centres 0.5 apart in a hull of 1.5 × 1.
    expected = 1 - 1 / 3 + 0.25 / 3.25 - (np.log(0.4) / 3 + 2 / 3 * np.log(0.6))

    assert loss([[0, 0, 0, 0, 1]], [[0.5, 0, 0, 0, 0.4]]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_loss_grows_with_the_error(axis, sign):
    predicted = np.zeros((6, 5))
    predicted[:, axis] = sign * np.linspace(0, 1.9, 6)  # from a perfect fit to no overlap
    predicted[:, 4] = 0.5

    assert (np.diff(loss([[0, 0, 0, 0, 1]] * 6, predicted)) > 0.01).all()


def test_the_score_is_best_at_the_iou_that_the_box_reaches():
    guesses = np.linspace(0.05, 0.95, 19)
    predicted = [[0.5, 0, 0, 0, guess] for guess in guesses]  # IoU 1/3

    assert guesses[loss([[0, 0, 0, 0, 1]] * 19, predicted).argmin()] == pytest.approx(1 / 3, abs=0.03)


def test_background_costs_the_entropy_of_its_score_wherever_the_box_is():
    predicted = [[0, 0, 0, 0, 0.3], [2, -1, 0.5, 1, 0.3]]

    np.testing.assert_allclose(loss([[0, 0, 0, 0, 0]] * 2, predicted), -np.log(0.7), atol=1e-5)
    np.testing.assert_array_equal(gradient([0, 0, 0, 0, 0], predicted[1])[:4], 0)


def test_without_overlap_the_gradient_still_leads_to_the_object():
    push = gradient([0, 0, 0, 0, 1], [5, -4, 0, 0, 0.5])

    assert np.isfinite(push).all()
    assert push[0] > 0.001 and push[1] < -0.001


@pytest.mark.parametrize("stretch", [-60, 60])
@pytest.mark.parametrize("score", [0, 1])
def test_wild_predictions_stay_finite(stretch, score):
    predicted = [50, -50, stretch, stretch, score]

    for present in (0, 1):
        assert np.isfinite(loss([[0, 0, 0, 0, present]], [predicted])).all()
        assert np.isfinite(gradient([0, 0, 0, 0, present], predicted)).all()


def test_no_boxes():
    assert loss(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)
