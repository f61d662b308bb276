import keras
import numpy as np
import pytest

from sonar_debris.detectors.single_pass.network import MULTIPLE, STRIDE, build_single_pass, split_outputs


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return build_single_pass(11)


@pytest.mark.parametrize("shape", [(MULTIPLE, MULTIPLE), (64, 96), (96, 64)])
def test_outputs_of_frames_whose_sides_are_multiples(network, shape):
    frames = np.random.default_rng(0).normal(size=(2, *shape, 1)).astype(np.float32)

    output = network.predict_on_batch(frames)

    assert output.shape == (2, shape[0] // STRIDE, shape[1] // STRIDE, 16)
    parts = split_outputs(output)
    assert parts.objectness.shape == output.shape[:3]
    assert ((parts.objectness > 0) & (parts.objectness < 1)).all()
    assert parts.sides.shape == (*output.shape[:3], 4)
    assert (parts.sides > 0).all()
    assert parts.class_probabilities.shape == (*output.shape[:3], 11)
    np.testing.assert_allclose(parts.class_probabilities.sum(axis=-1), 1, atol=1e-5)


def test_initial_objectness_is_low(network):
    output = network.predict_on_batch(np.zeros((1, 64, 64, 1), np.float32))

    assert split_outputs(output).objectness.max() < 0.05


def test_network_is_small(network):
    assert network.count_params() <= 2_500_000


def test_tensors_and_arrays_are_split_alike():
    output = np.arange(2 * 3 * 7, dtype=np.float32).reshape(2, 3, 7)

    tensors = split_outputs(keras.ops.convert_to_tensor(output))

    for array, tensor in zip(split_outputs(output), tensors, strict=True):
        np.testing.assert_array_equal(array, keras.ops.convert_to_numpy(tensor))


def test_boxes_extend_from_their_location_to_the_sides():
    output = np.array([0.5, 1, 2, 3, 4, 1], np.float32)

    left_top, right_bottom = split_outputs(output).boxes(np.array([10.5, 20.5], np.float32))

    assert (*left_top, *right_bottom) == (9.5, 18.5, 13.5, 24.5)
