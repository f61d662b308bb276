import numpy as np
import pytest

from sonar_debris.datasets.augmentation import augment_window, cut_out, random_affine, transform_boxes

BOX = np.array([[10, 20, 30, 60]], np.float32)


@pytest.mark.parametrize("augment", [augment_window, cut_out])
@pytest.mark.parametrize("size", [16, 96])
def test_shape_and_type_are_kept_and_values_are_finite(augment, size):
    window = np.random.default_rng(1).standard_normal((size, size), np.float32)

    for seed in range(20):
        augmented = augment(window, np.random.default_rng(seed))
        assert augmented.shape == (size, size)
        assert augmented.dtype == np.float32
        assert np.isfinite(augmented).all()
        assert not np.array_equal(augmented, window)


@pytest.mark.parametrize("augment", [augment_window, cut_out])
def test_the_input_is_not_changed_and_the_seed_determines_the_result(augment):
    window = np.random.default_rng(1).standard_normal((32, 32), np.float32)
    before = window.copy()

    first, repeated, other = (augment(window, np.random.default_rng(seed)) for seed in (0, 0, 1))

    np.testing.assert_array_equal(window, before)
    np.testing.assert_array_equal(first, repeated)
    assert not np.array_equal(first, other)


def test_an_augmented_window_correlates_with_the_original():
    window = np.zeros((64, 64), np.float32)
    window[20:40, 24:44] = 6

    for seed in range(20):
        augmented = augment_window(window, np.random.default_rng(seed))
        assert np.corrcoef(augmented.ravel(), window.ravel())[0, 1] > 0.9


def test_cut_out_blanks_a_rectangle_of_at_most_a_quarter():
    window = np.random.default_rng(1).standard_normal((64, 64), np.float32)

    for seed in range(20):
        changed = cut_out(window, np.random.default_rng(seed)) != window
        rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert changed[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all()
        assert 8 <= len(rows) <= 32 and 8 <= len(cols) <= 32


def rotation(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0]])


@pytest.mark.parametrize(
    ("matrix", "transformed"),
    [
        (np.eye(2, 3), [10, 20, 30, 60]),
        (np.array([[1, 0, 5], [0, 1, -5]]), [15, 15, 35, 55]),
        (np.array([[-1, 0, 100], [0, 1, 0]]), [70, 20, 90, 60]),
        (2 * np.eye(2, 3), [20, 40, 60, 120]),
        (rotation(90), [20, -30, 60, -10]),
    ],
    ids=["identity", "shift", "mirror", "scale", "quarter turn"],
)
def test_boxes_are_transformed(matrix, transformed):
    np.testing.assert_allclose(transform_boxes(BOX, np.array(matrix, float)), [transformed], atol=1e-4)


def test_a_small_rotation_hardly_enlarges_a_box():
    left, top, right, bottom = transform_boxes(BOX, rotation(8))[0]

    assert right - left < 1.1 * 20 + 2
    assert bottom - top <= 40.1


def test_transforming_no_boxes():
    assert transform_boxes(BOX[:0], np.eye(2, 3)).shape == (0, 4)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_affine_stays_within_its_limits(seed):
    matrix = random_affine(np.random.default_rng(seed), (7, 9), (20, 30), 10, 0.2)

    np.testing.assert_allclose(matrix @ [7, 9, 1], [20, 30])
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    assert np.exp(-0.2) <= scale <= np.exp(0.2)
    assert abs(matrix[1, 1]) / scale >= np.cos(np.deg2rad(10)) - 1e-9


def draw_affines(count, **options):
    rngs = map(np.random.default_rng, range(count))
    return [random_affine(rng, (0, 0), (0, 0), 10, **options) for rng in rngs]


def test_quarter_turns_are_added_to_the_rotation():
    matrices = draw_affines(200, max_log_scale=0, quarter_turns=True)

    swapped = [abs(matrix[1, 0]) > abs(matrix[1, 1]) for matrix in matrices]
    assert 70 < sum(swapped) < 130
    assert all(max(abs(matrix[1])) >= np.cos(np.deg2rad(10)) - 1e-9 for matrix in matrices)


def test_half_of_the_random_affines_mirror():
    matrices = draw_affines(200, max_log_scale=0.2)

    assert 70 < sum(np.linalg.det(matrix[:, :2]) < 0 for matrix in matrices) < 130
