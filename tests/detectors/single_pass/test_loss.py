"""The loss on small grids, whose values can be computed by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from sonar_debris.detectors.single_pass.loss import TOP_K, alignment, centredness, grid_locations, single_pass_loss
from sonar_debris.detectors.single_pass.network import build_single_pass, split_outputs

CLASSES = 3


def predict(rows=6, cols=8, box=(2.0, 1.0, 6.0, 4.0), class_id=1, score=0.5):
    """Return the output of a network that predicts the same box and class at each location."""
    grid = np.asarray(grid_locations(rows, cols))
    output = np.zeros((rows * cols, 5 + CLASSES), np.float32)
    output[:, 0] = score
    output[:, 1:3], output[:, 3:5] = grid - box[:2], np.array(box[2:]) - grid
    output[:, 5:] = 0.02
    output[:, 5 + class_id] = 0.96
    return output.reshape(1, rows, cols, -1)


def truth(*boxes):
    target = np.full((1, 4, 5), -1, np.float32)
    target[0, : len(boxes)] = np.array(boxes).reshape(-1, 5)
    return target


def loss(target, output):
    return float(ops.convert_to_numpy(single_pass_loss(target, ops.convert_to_tensor(output)))[0])


def test_locations_are_cell_centres_x_first():
    np.testing.assert_array_equal(np.asarray(grid_locations(2, 3))[[0, 1, 3]], [[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])


def test_a_right_prediction_has_a_lower_loss_than_a_wrong_class_box_or_score():
    right = predict()
    inside = np.asarray(centredness(truth([2, 1, 6, 4, 1])[..., :4], grid_locations(6, 8)))[0, 0].reshape(6, 8) > 0
    right[0, ~inside, 0] = 0.001
    right[0, inside, 0] = 0.999
    target = truth([2, 1, 6, 4, 1])

    best = loss(target, right)

    assert best < loss(target, np.where(np.arange(5 + CLASSES) == 0, 0.1, right))
    assert best < loss(truth([2, 1, 6, 4, 2]), right)
    assert best < loss(truth([2, 1, 5, 4, 1]), right)


def test_without_objects_only_the_score_counts():
    quiet, loud = predict(score=0.01), predict(score=0.6)
    elsewhere = predict(score=0.01, box=(0.0, 0.0, 1.0, 1.0), class_id=2)

    assert loss(truth(), quiet) < loss(truth(), loud)
    assert loss(truth(), quiet) == pytest.approx(loss(truth(), elsewhere))


def test_rows_without_a_box_do_not_change_the_loss():
    target = truth([2, 1, 6, 4, 1])

    assert loss(target, predict()) == pytest.approx(loss(target[:, :1], predict()))


def fit(target, output):
    outputs = split_outputs(output.reshape(1, -1, 5 + CLASSES))
    grid = grid_locations(6, 8)
    overlap = np.full((1, target.shape[1], 48), 0.8, np.float32)
    class_id = target[..., 4].astype(int)
    inside = centredness(target[..., :4], grid)
    return np.asarray(alignment(overlap, outputs.objectness, outputs.class_probabilities, class_id, inside))[0]


def test_the_best_locations_inside_a_box_are_assigned_to_it():
    of_boxes = fit(truth([1, 1, 7, 5, 1]), predict())

    assert (of_boxes[0] > 0).sum() >= TOP_K
    outside = np.asarray(centredness(truth([1, 1, 7, 5, 1])[..., :4], grid_locations(6, 8)))[0, 0] == 0
    assert (of_boxes[0][outside] == 0).all()
    assert (of_boxes[1:] == 0).all()  # rows without a box


def test_a_box_smaller_than_a_cell_has_a_location():
    assert (fit(truth([3.1, 3.1, 3.4, 3.4, 1]), predict())[0] > 0).any()


def test_while_no_box_overlaps_the_central_locations_are_assigned():
    target, output = truth([1, 1, 7, 5, 1]), predict(box=(7.0, 5.0, 7.5, 5.5))
    before = loss(target, output)
    output[0, 2:4, 3:5, 1:5] = [2, 2, 2, 2]  # the central locations now predict a box of this size

    assert loss(target, output) < before


@pytest.mark.slow
def test_a_network_fits_one_frame():
    keras.utils.set_random_seed(0)
    frames = np.random.default_rng(0).normal(size=(1, 64, 64, 1)).astype(np.float32)
    target = truth([2, 2, 5, 6, 1])
    network = build_single_pass(CLASSES)
    network.compile(keras.optimizers.Adam(3e-3), single_pass_loss)

    losses = [float(network.train_on_batch(frames, target)) for _ in range(30)]

    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]
