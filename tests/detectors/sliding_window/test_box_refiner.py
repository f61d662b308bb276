import numpy as np

from sonar_debris.detectors.sliding_window.networks import SIZE, build_box_refiner


def test_four_offsets_and_an_overlap():
    crops = 5 * np.random.default_rng(0).standard_normal((6, SIZE, SIZE, 1), np.float32)

    refined = np.asarray(build_box_refiner()(crops))

    assert refined.shape == (6, 5)
    assert np.isfinite(refined).all()
    assert (refined[:, :4] < 0).any()  # offsets go both ways
    assert ((refined[:, 4] > 0) & (refined[:, 4] < 1)).all()
