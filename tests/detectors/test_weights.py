import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.networks import load_network


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


def test_network_comes_back(saved):
    network = load_network(saved)

    assert network.predict(np.ones((1, 3), np.float32), verbose=0).shape == (1, 2)
    assert load_network(str(saved)).input_shape == (None, 3)


@pytest.mark.parametrize("name", ["absent.keras", "", "\0.keras"])
def test_missing_file(name, tmp_path):
    with pytest.raises(SonarDebrisError, match="no such network; train one"):
        load_network(tmp_path / name)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"garbage", lambda data: data[: len(data) // 2]])
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".txt"])
def test_damaged_file(damage, suffix, saved):
    path = saved.with_suffix(suffix)
    path.write_bytes(damage(saved.read_bytes()))

    with pytest.raises(SonarDebrisError, match=rf"network\{suffix}: not a readable Keras model") as error:
        load_network(path)
    assert "\n" not in str(error.value)


def test_code_in_a_network_is_refused(tmp_path):
    """A Lambda layer carries Python bytecode, which would run in whoever loads it."""
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
