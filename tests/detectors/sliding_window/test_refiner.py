import numpy as np

from sonar_debris.detectors.sliding_window.training import train_refiner
from sonar_debris.networks import load_network


def test_the_box_refiner_is_trained_and_stored(sampler, schedule, tmp_path):
    trained = train_refiner(sampler, sampler, schedule, tmp_path)

    proposals = np.random.default_rng(0).standard_normal((2, 64, 64, 1), np.float32)
    stored = load_network(tmp_path / "refiner.keras")
    np.testing.assert_array_equal(stored.predict(proposals, verbose=0), trained.predict(proposals, verbose=0))
    assert np.isfinite(float((tmp_path / "refiner.csv").read_text().splitlines()[1].split(",")[1]))
