import csv
import gc
import threading
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from sonar_debris.training import TrainingConfig, fit

SCHEDULE = TrainingConfig(epochs=3, steps=4, batch_size=2, learning_rate=0.05)


def build():
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])


def sample(rng):
    window = rng.standard_normal((4, 4, 1), np.float32)
    return window, window.mean()


class Recorder:
    """Samples, remembering which epoch and batch each was drawn for; breaks down once in a given epoch."""

    def __init__(self, breaks_in=None):
        self.drawn, self.breaks_in, self._lock = [], breaks_in, threading.Lock()

    def __call__(self, rng):
        _, epoch, index = rng.bit_generator.seed_seq.entropy
        with self._lock:
            self.drawn.append((epoch, index))
        if epoch == self.breaks_in and index == 2:
            raise RuntimeError("power cut")
        return sample(rng)


def train(run, sample=sample, validation=None, schedule=SCHEDULE, metrics=()):
    return fit(build, sample, validation, "mse", schedule, run, "net", metrics)


def log(run):
    with (run / "net.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_run_folder_gets_the_network_and_its_log(tmp_path, capsys):
    trained = train(tmp_path / "deep" / "run", validation=sample, metrics=["mae"])

    run = tmp_path / "deep" / "run"
    assert sorted(path.name for path in run.iterdir()) == ["net.csv", "net.keras"]
    assert [row["epoch"] for row in log(run)] == ["0", "1", "2"]
    assert {"loss", "mae", "val_loss", "val_mae"} < set(log(run)[0])
    windows = sample(np.random.default_rng(0))[0][None]
    stored = keras.saving.load_model(run / "net.keras")
    np.testing.assert_array_equal(stored.predict(windows, verbose=0), trained.predict(windows, verbose=0))
    assert [line[:13] for line in capsys.readouterr().err.splitlines()] == [f"net epoch {k}/3" for k in (1, 2, 3)]


def test_training_reduces_the_loss(tmp_path):
    train(tmp_path, schedule=replace(SCHEDULE, epochs=4, steps=30))

    losses = [float(row["loss"]) for row in log(tmp_path)]
    assert losses[-1] < losses[0] / 5


def test_every_epoch_draws_its_own_batches(tmp_path):
    recorder = Recorder()
    train(tmp_path, recorder)

    assert set(recorder.drawn) == {(epoch, index) for epoch in range(3) for index in range(4)}


def test_the_same_seed_gives_the_same_network(tmp_path):
    one, same, other = (
        train(tmp_path / str(number), schedule=replace(SCHEDULE, epochs=1, seed=seed)).get_weights()[0]
        for number, seed in enumerate((7, 7, 8))
    )

    np.testing.assert_allclose(one, same, atol=1e-6)
    assert np.abs(one - other).max() > 0.01


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the log of the training that was cut
@pytest.mark.parametrize("epoch", [0, 2])
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path, epoch):
    whole = train(tmp_path / "whole")

    with pytest.raises(Exception, match="power cut"):
        train(tmp_path / "cut", Recorder(breaks_in=epoch))
    gc.collect()
    assert not (tmp_path / "cut" / "net.keras").exists()
    recorder = Recorder()
    resumed = train(tmp_path / "cut", recorder)

    assert [row["epoch"] for row in log(tmp_path / "cut")] == ["0", "1", "2"]
    np.testing.assert_allclose(resumed.get_weights()[0], whole.get_weights()[0], atol=1e-5)
    # Epoch 0 is drawn from in any case: Keras learns the shapes of its batches there.
    assert {drawn for drawn, _ in recorder.drawn} == {0, *range(epoch, 3)}


def test_a_finished_training_starts_afresh(tmp_path):
    once, again = (train(tmp_path).get_weights()[0] for _ in range(2))

    np.testing.assert_allclose(once, again, atol=1e-6)
    assert [row["epoch"] for row in log(tmp_path)] == ["0", "1", "2"]


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_weights_are_float32_whatever_the_precision(tmp_path, precision):
    computed = []

    def build_and_look():
        network = build()
        computed.append(network.layers[-1].compute_dtype)
        return network

    fit(build_and_look, sample, None, "mse", replace(SCHEDULE, epochs=1, precision=precision), tmp_path, "net")

    stored = keras.saving.load_model(tmp_path / "net.keras")
    assert {weight.dtype for weight in stored.weights} == {"float32"}
    assert {layer.compute_dtype for layer in stored.layers} == {"float32"}
    assert computed == [precision.removeprefix("mixed_"), "float32"]
    assert keras.config.dtype_policy().name == "float32"


def test_the_precision_is_put_back_after_a_failure(tmp_path):
    def fail():
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        fit(fail, sample, None, "mse", replace(SCHEDULE, precision="mixed_bfloat16"), tmp_path, "net")

    assert keras.config.dtype_policy().name == "float32"
