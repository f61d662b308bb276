import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from sonar_debris.errors import SonarDebrisError
from sonar_debris.networks import load_network, residual_trunk, save_network, with_fused_batch_norm

FRAMES = np.random.default_rng(0).normal(3, 2, (2, 8, 6, 3)).astype(np.float32)


@pytest.mark.parametrize(("size", "widths"), [(64, (8,)), (64, (4, 8, 12)), (32, (4, 4, 8, 8, 16))])
def test_each_block_halves_the_resolution(size, widths):
    features = residual_trunk(keras.Input((size, size, 1)), widths)

    side = size // 2 ** len(widths)
    assert features.shape == (None, side, side, widths[-1])


def test_features_are_not_negative_and_depend_on_the_crop():
    crops = keras.Input((16, 16, 1))
    trunk = keras.Model(crops, residual_trunk(crops, (4, 8)))

    first, second = np.asarray(trunk(np.random.default_rng(0).standard_normal((2, 16, 16, 1), np.float32)))

    assert (first >= 0).all()
    assert not np.allclose(first, second)


def build_normalised(trainable=True):
    keras.utils.set_random_seed(0)
    norm = layers.BatchNormalization(momentum=0.9, trainable=trainable)
    return keras.Sequential([keras.Input((8, 6, 3)), layers.Conv2D(4, 3), norm, layers.ReLU(), layers.Conv2D(2, 1)])


def train_three_steps(network):
    network.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    for _ in range(3):
        network.train_on_batch(FRAMES, np.ones((2, 6, 4, 2), np.float32))
    return network.get_weights()


def is_fused(network):
    return any(type(layer).__name__ == "_FusedBatchNormalization" for layer in network.layers)


def test_fused_batch_norm_trains_the_same_weights_and_statistics():
    fused = with_fused_batch_norm(build_normalised())

    assert is_fused(fused)
    for start, plain, faster in zip(
        build_normalised().get_weights(), train_three_steps(build_normalised()), train_three_steps(fused), strict=True
    ):
        assert not np.array_equal(start, plain)
        np.testing.assert_allclose(faster, plain, rtol=1e-4, atol=1e-6)


def test_fused_batch_norm_predicts_the_same():
    network = build_normalised()

    np.testing.assert_array_equal(with_fused_batch_norm(network)(FRAMES), network(FRAMES))


def test_frozen_statistics_do_not_change():
    fused = with_fused_batch_norm(build_normalised(trainable=False))

    for plain, faster in zip(
        train_three_steps(build_normalised(trainable=False)), train_three_steps(fused), strict=True
    ):
        np.testing.assert_allclose(faster, plain, rtol=1e-4, atol=1e-6)


def test_flat_features_are_normalised_without_the_fused_kernel():
    network = keras.Sequential([keras.Input((5,)), layers.BatchNormalization()])
    features = np.arange(20, dtype=np.float32).reshape(4, 5)

    fused = with_fused_batch_norm(network)

    np.testing.assert_allclose(fused(features, training=True), network(features, training=True), rtol=1e-5)


def test_fused_batch_norm_keeps_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        fused = with_fused_batch_norm(build_normalised())
    finally:
        keras.config.set_dtype_policy("float32")

    norm = fused.layers[1]
    assert is_fused(fused)
    assert keras.backend.standardize_dtype(norm(np.ones((1, 2, 2, 4)), training=True).dtype) == "bfloat16"
    assert norm.gamma.dtype == "float32"


def test_interrupted_saving_keeps_the_earlier_file(tmp_path, monkeypatch):
    network = build_normalised()
    save_network(network, tmp_path / "net.keras")
    earlier = (tmp_path / "net.keras").read_bytes()

    def fail(path):
        path.write_bytes(b"partial")
        raise KeyboardInterrupt

    monkeypatch.setattr(network, "save", fail)
    with pytest.raises(KeyboardInterrupt):
        save_network(network, tmp_path / "net.keras")

    assert (tmp_path / "net.keras").read_bytes() == earlier


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no model"])
def test_broken_file_is_reported(tmp_path, content):
    (tmp_path / "net.keras").write_bytes(content)

    with pytest.raises(SonarDebrisError, match=r"net\.keras: not a readable Keras model"):
        load_network(tmp_path / "net.keras")


@pytest.fixture
def saved(tmp_path) -> Path:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="fc")])
    network.save(tmp_path / "network.keras")
    return tmp_path / "network.keras"


def replace_config(path: Path, config: dict) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else data)


def test_saved_network_is_loaded(saved):
    network = load_network(saved)

    assert network.predict(np.ones((1, 3), np.float32), verbose=0).shape == (1, 2)
    assert load_network(str(saved)).input_shape == (None, 3)


@pytest.mark.parametrize("name", ["absent.keras", "", "\0.keras"])
def test_missing_file_is_reported(name, tmp_path):
    with pytest.raises(SonarDebrisError, match="no such network; train one"):
        load_network(tmp_path / name)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"garbage", lambda data: data[: len(data) // 2]])
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".txt"])
def test_damaged_file_is_reported(damage, suffix, saved):
    path = saved.with_suffix(suffix)
    path.write_bytes(damage(saved.read_bytes()))

    with pytest.raises(SonarDebrisError, match=rf"network\{suffix}: not a readable Keras model") as error:
        load_network(path)
    assert "\n" not in str(error.value)


def test_code_in_a_network_is_refused(tmp_path):
    """Loading a Lambda layer would run the Python bytecode that it holds."""
    code = keras.layers.Lambda(lambda x: x + 1)
    keras.Sequential([keras.Input((3,)), code]).save(tmp_path / "network.keras")

    with pytest.raises(SonarDebrisError, match="not a readable Keras model .*Lambda.*lambda"):
        load_network(tmp_path / "network.keras")


def test_callable_outside_keras_is_refused(saved, tmp_path):
    marker = tmp_path / "was-here"
    config = {"module": "os", "class_name": "mkdir", "registered_name": None, "config": {"path": str(marker)}}
    replace_config(saved, config)

    with pytest.raises(SonarDebrisError, match="not a readable Keras model"):
        load_network(saved)
    assert not marker.exists()


def replace_member(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, original in content.items():
            archive.writestr(member, data if member == name else original)


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5", "metadata.json"])
def test_archive_that_would_fill_the_memory_is_refused(member, saved, monkeypatch):
    monkeypatch.setattr("sonar_debris.networks.MAX_NETWORK_BYTES", 2**20)
    replace_member(saved, member, bytes(2**22))

    with pytest.raises(SonarDebrisError, match="unpacks to more than 1 MiB"):
        load_network(saved)


def test_weights_that_would_fill_the_memory_are_refused(saved, monkeypatch):
    monkeypatch.setattr("sonar_debris.networks.MAX_NETWORK_BYTES", 2**20)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as weights:
        weights.create_dataset("layers/fc/vars/0", (2**20, 2**20), "f4", chunks=(2**6, 2**6))
    replace_member(saved, "model.weights.h5", stream.getvalue())

    with pytest.raises(SonarDebrisError, match="weights take more than 1 MiB"):
        load_network(saved)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    network.set_weights([np.full((3, 2), np.nan, np.float32), np.zeros(2, np.float32)])
    network.save(tmp_path / "network.keras")

    with pytest.raises(SonarDebrisError, match="weights are not finite"):
        load_network(tmp_path / "network.keras")
