import numpy as np
import pytest

from sonar_debris.datasets.augmentation import augment_window, cut_out


@pytest.mark.parametrize("change", [augment_window, cut_out])
@pytest.mark.parametrize("size", [16, 96])
def test_shape_and_type_stay_and_values_are_finite(change, size):
    window = np.random.default_rng(1).standard_normal((size, size), np.float32)

    for seed in range(20):
        changed = change(window, np.random.default_rng(seed))
        assert changed.shape == (size, size)
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert not np.array_equal(changed, window)


@pytest.mark.parametrize("change", [augment_window, cut_out])
def test_the_window_itself_stays_and_the_generator_decides(change):
    window = np.random.default_rng(1).standard_normal((32, 32), np.float32)
    before = window.copy()

    one, same, other = (change(window, np.random.default_rng(seed)) for seed in (0, 0, 1))

    np.testing.assert_array_equal(window, before)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_an_augmented_window_still_looks_like_itself():
    window = np.zeros((64, 64), np.float32)
    window[20:40, 24:44] = 6

    for seed in range(20):
        changed = augment_window(window, np.random.default_rng(seed))
        assert np.corrcoef(changed.ravel(), window.ravel())[0, 1] > 0.9


def test_a_rectangle_of_at_most_a_quarter_is_cut_out():
    window = np.random.default_rng(1).standard_normal((64, 64), np.float32)

    for seed in range(20):
        changed = cut_out(window, np.random.default_rng(seed)) != window
        rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        assert changed[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all()
        assert 8 <= len(rows) <= 32 and 8 <= len(cols) <= 32
