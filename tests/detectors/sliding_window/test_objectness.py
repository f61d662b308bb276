import numpy as np

from sonar_debris.detectors.sliding_window.training import train_objectness
from sonar_debris.networks import load_network


def test_the_objectness_network_is_trained_and_stored(sampler, schedule, tmp_path):
    trained = train_objectness(sampler, sampler, schedule, tmp_path)

    windows = np.random.default_rng(0).standard_normal((2, 96, 96, 1), np.float32)
    stored = load_network(tmp_path / "objectness.keras")
    np.testing.assert_array_equal(stored.predict(windows, verbose=0), trained.predict(windows, verbose=0))
    assert (tmp_path / "objectness.csv").read_text().startswith("epoch,loss,mae,val_loss,val_mae\n0,")
