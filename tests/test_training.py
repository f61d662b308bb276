import csv
import gc
import sys
import threading
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from sonar_debris.training import EpochLines, SampledBatches, TrainingConfig, fit

CONFIG = TrainingConfig(epochs=3, steps=4, batch_size=2, learning_rate=0.05)


def build():
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)])


def sample_mean(rng):
    """Draw a window and its mean."""
    window = rng.standard_normal((4, 4, 1), np.float32)
    return window, window.mean()


class Recorder:
    """Draw samples and record the epoch and batch of each; fail in a given epoch."""

    def __init__(self, fails_in=None):
        self.drawn, self.fails_in, self._lock = [], fails_in, threading.Lock()

    def __call__(self, rng):
        _, epoch, index = rng.bit_generator.seed_seq.entropy
        with self._lock:
            self.drawn.append((epoch, index))
        if epoch == self.fails_in and index == 2:
            raise RuntimeError("power cut")
        return sample_mean(rng)


def train(run, sample=sample_mean, validation=None, config=CONFIG, metrics=()):
    return fit(build, sample, validation, "mse", config, run, "net", metrics)


def log(run):
    with (run / "net.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_run_folder_holds_the_network_and_its_log(tmp_path, capsys):
    trained = train(tmp_path / "deep" / "run", validation=sample_mean, metrics=["mae"])

    run = tmp_path / "deep" / "run"
    assert sorted(path.name for path in run.iterdir()) == ["net.csv", "net.keras"]
    assert [row["epoch"] for row in log(run)] == ["0", "1", "2"]
    assert {"loss", "mae", "val_loss", "val_mae"} < set(log(run)[0])
    windows = sample_mean(np.random.default_rng(0))[0][None]
    stored = keras.saving.load_model(run / "net.keras")
    np.testing.assert_array_equal(stored.predict(windows, verbose=0), trained.predict(windows, verbose=0))
    assert [line[:13] for line in capsys.readouterr().err.splitlines()] == [f"net epoch {k}/3" for k in (1, 2, 3)]


def test_training_reduces_the_loss(tmp_path):
    train(tmp_path, config=replace(CONFIG, epochs=4, steps=30))

    losses = [float(row["loss"]) for row in log(tmp_path)]
    assert losses[-1] < losses[0] / 5


def test_every_epoch_draws_its_own_batches(tmp_path):
    recorder = Recorder()
    train(tmp_path, recorder)

    assert set(recorder.drawn) == {(epoch, index) for epoch in range(3) for index in range(4)}


def test_same_seed_gives_the_same_network(tmp_path):
    weights, same_seed, other_seed = (
        train(tmp_path / str(number), config=replace(CONFIG, epochs=1, seed=seed)).get_weights()[0]
        for number, seed in enumerate((7, 7, 8))
    )

    np.testing.assert_allclose(weights, same_seed, atol=1e-6)
    assert np.abs(weights - other_seed).max() > 0.01


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the log of the interrupted training
@pytest.mark.parametrize("epoch", [0, 2])
def test_resumed_training_equals_an_uninterrupted_training(tmp_path, epoch):
    whole = train(tmp_path / "whole")

    with pytest.raises(Exception, match="power cut"):
        train(tmp_path / "cut", Recorder(fails_in=epoch))
    gc.collect()
    assert not (tmp_path / "cut" / "net.keras").exists()
    recorder = Recorder()
    resumed = train(tmp_path / "cut", recorder)

    assert [row["epoch"] for row in log(tmp_path / "cut")] == ["0", "1", "2"]
    np.testing.assert_allclose(resumed.get_weights()[0], whole.get_weights()[0], atol=1e-5)
    # Epoch 0 is drawn from in any case: Keras infers the shapes of the batches from it.
    assert {drawn for drawn, _ in recorder.drawn} == {0, *range(epoch, 3)}


def test_finished_training_starts_again(tmp_path):
    first, second = (train(tmp_path).get_weights()[0] for _ in range(2))

    np.testing.assert_allclose(first, second, atol=1e-6)
    assert [row["epoch"] for row in log(tmp_path)] == ["0", "1", "2"]


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_stored_weights_are_float32_in_any_precision(tmp_path, precision):
    compute_dtypes = []

    def build_and_record():
        network = build()
        compute_dtypes.append(network.layers[-1].compute_dtype)
        return network

    fit(build_and_record, sample_mean, None, "mse", replace(CONFIG, epochs=1, precision=precision), tmp_path, "net")

    stored = keras.saving.load_model(tmp_path / "net.keras")
    assert {weight.dtype for weight in stored.weights} == {"float32"}
    assert {layer.compute_dtype for layer in stored.layers} == {"float32"}
    assert compute_dtypes == [precision.removeprefix("mixed_"), "float32"]
    assert keras.config.dtype_policy().name == "float32"


def test_precision_is_restored_after_a_failure(tmp_path):
    def fail():
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError):
        fit(fail, sample_mean, None, "mse", replace(CONFIG, precision="mixed_bfloat16"), tmp_path, "net")

    assert keras.config.dtype_policy().name == "float32"


def sample_class(rng):
    return rng.standard_normal((4, 4, 1), np.float32), rng.integers(10)


def class_batches(seed=0, epoch=0):
    batches = SampledBatches(sample_class, batch_size=3, steps=4, seed=seed)
    batches.epoch = epoch
    return batches


def test_batches_have_the_given_shapes():
    inputs, targets = class_batches()[0]

    assert len(class_batches()) == 4
    assert (inputs.shape, inputs.dtype, targets.shape) == ((3, 4, 4, 1), np.float32, (3,))


def test_batches_do_not_depend_on_the_order_of_access():
    forwards, backwards = class_batches(), class_batches()

    in_order = [forwards[index][0] for index in range(4)]
    reverse_order = [backwards[index][0] for index in reversed(range(4))]

    np.testing.assert_array_equal(in_order, reverse_order[::-1])
    assert len(np.unique([inputs.sum() for inputs in in_order])) == 4


@pytest.mark.parametrize("changed", [{"seed": 1}, {"epoch": 1}])
def test_other_seeds_and_epochs_give_other_samples(changed):
    assert np.abs(class_batches()[2][0] - class_batches(**changed)[2][0]).max() > 0.1


def test_all_batches_are_joined_for_validation():
    inputs, targets = class_batches().all()

    assert (inputs.shape, targets.shape) == ((12, 4, 4, 1), (12,))
    np.testing.assert_array_equal(inputs[3:6], class_batches()[1][0])
    np.testing.assert_array_equal(targets[3:6], class_batches()[1][1])


@pytest.mark.parametrize(
    ("first", "seconds", "line"),
    [
        (0, 30, "net epoch 1/5  loss 0.1235  mae 2.0000  2.0 min left\n"),
        (
            3,
            60,
            "net epoch 4/5  loss 0.1235  mae 2.0000  1.0 min left\n",
        ),  # resumed: the first three epochs took no time
        (4, 60, "net epoch 5/5  loss 0.1235  mae 2.0000  0.0 min left\n"),
    ],
)
def test_each_epoch_prints_one_line(first, seconds, line, monkeypatch, capsys):
    times = iter([1000, 1000 + seconds])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    lines = EpochLines("net")
    lines.set_params({"epochs": 5})

    lines.on_train_begin()
    lines.on_epoch_begin(first)
    lines.on_epoch_end(first, {"loss": 0.123456, "mae": 2, "learning_rate": 0.001})

    assert capsys.readouterr() == ("", line)


def test_a_terminal_shows_the_steps_within_an_epoch(monkeypatch, capsys):
    times = iter([1000, 1060, 1090])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    lines = EpochLines("net")
    lines.set_params({"epochs": 2, "steps": 4})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    lines.on_train_begin()
    lines.on_epoch_begin(0)
    lines.on_train_batch_end(1)
    lines.on_epoch_end(0, {"loss": 0.5})

    first, second = capsys.readouterr().err.split("\x1b[K")[0::1][:2]
    assert first == "\rnet epoch 1/2  step 2/4  3.0 min left"
    assert second == "\r"
