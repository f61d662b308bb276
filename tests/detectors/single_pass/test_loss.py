"""The loss on grids small enough to reckon by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from sonar_debris.detectors.single_pass.loss import TOP_K, _alignment, _centredness, _locations, single_pass_loss
from sonar_debris.detectors.single_pass.network import build_single_pass

CLASSES = 3


def answer(rows=6, cols=8, box=(2.0, 1.0, 6.0, 4.0), class_id=1, score=0.5):
    """A grid each of whose locations gives the same box and the same class."""
    grid = np.asarray(_locations(rows, cols))
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
    np.testing.assert_array_equal(np.asarray(_locations(2, 3))[[0, 1, 3]], [[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])


def test_a_right_answer_costs_less_than_a_wrong_name_box_or_score():
    right = answer()
    inside = np.asarray(_centredness(truth([2, 1, 6, 4, 1])[..., :4], _locations(6, 8)))[0, 0].reshape(6, 8) > 0
    right[0, ~inside, 0] = 0.001
    right[0, inside, 0] = 0.999
    target = truth([2, 1, 6, 4, 1])

    best = loss(target, right)

    assert best < loss(target, np.where(np.arange(5 + CLASSES) == 0, 0.1, right))
    assert best < loss(truth([2, 1, 6, 4, 2]), right)
    assert best < loss(truth([2, 1, 5, 4, 1]), right)


def test_where_there_is_nothing_the_score_alone_counts():
    quiet, loud = answer(score=0.01), answer(score=0.6)
    elsewhere = answer(score=0.01, box=(0.0, 0.0, 1.0, 1.0), class_id=2)

    assert loss(truth(), quiet) < loss(truth(), loud)
    assert loss(truth(), quiet) == pytest.approx(loss(truth(), elsewhere))


def test_rows_without_a_box_count_nothing():
    target = truth([2, 1, 6, 4, 1])

    assert loss(target, answer()) == pytest.approx(loss(target[:, :1], answer()))


def assigned(target, output):
    output = output.reshape(1, -1, 5 + CLASSES)
    grid = _locations(6, 8)
    overlap = np.full((1, target.shape[1], 48), 0.8, np.float32)
    class_id = target[..., 4].astype(int)
    inside = _centredness(target[..., :4], grid)
    return np.asarray(_alignment(overlap, output[..., 0], output[..., 5:], class_id, inside))[0]


def test_the_best_locations_inside_a_box_answer_for_it():
    fit = assigned(truth([1, 1, 7, 5, 1]), answer())

    assert (fit[0] > 0).sum() >= TOP_K
    outside = np.asarray(_centredness(truth([1, 1, 7, 5, 1])[..., :4], _locations(6, 8)))[0, 0] == 0
    assert (fit[0][outside] == 0).all()
    assert (fit[1:] == 0).all()  # rows without a box


def test_a_box_smaller_than_a_cell_is_answered_for():
    assert (assigned(truth([3.1, 3.1, 3.4, 3.4, 1]), answer())[0] > 0).any()


def test_before_any_box_overlaps_the_centre_answers():
    target, output = truth([1, 1, 7, 5, 1]), answer(box=(7.0, 5.0, 7.5, 5.5))
    before = loss(target, output)
    output[0, 2:4, 3:5, 1:5] = [2, 2, 2, 2]  # the locations at the centre now give a box of its size

    assert loss(target, output) < before


def test_a_network_learns_one_frame_by_heart():
    keras.utils.set_random_seed(0)
    frames = np.random.default_rng(0).normal(size=(1, 64, 64, 1)).astype(np.float32)
    target = truth([2, 2, 5, 6, 1])
    network = build_single_pass(CLASSES)
    network.compile(keras.optimizers.Adam(3e-3), single_pass_loss)

    losses = [float(network.train_on_batch(frames, target)) for _ in range(30)]

    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]
