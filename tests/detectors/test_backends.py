"""The same boxes whichever backend runs the networks."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.detectors.model_folder import DEFAULT_MODEL, list_models

ROOT = Path(__file__).parents[2]
# A backend is chosen once a process, so each detects in a process of its own.
DETECT = """
import json, sys
import keras
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.frames import open_frames

detector = DebrisDetector.from_pretrained(sys.argv[1])
found = [detector.detect(frame) for path in sys.argv[2:] for frame in open_frames(path)]
parts = [{"xyxy": d.xyxy.tolist(), "score": d.score.tolist(), "class_id": d.class_id.tolist()} for d in found]
print(json.dumps([keras.backend.backend(), parts]))
"""


def start(backend: str, model: Path, frames: list[Path]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", DETECT, str(model), *map(str, frames)],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed: pip install sonar-debris[jax]"
)
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_jax_finds_what_tensorflow_finds(untrained_model):
    model = list_models().get(DEFAULT_MODEL, untrained_model)
    frames = sorted((ROOT / "data" / "sample").glob("*.png"))[:2]

    backends = ("tensorflow", "jax")
    found = {}
    for backend, process in [(backend, start(backend, model, frames)) for backend in backends]:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        used, found[backend] = json.loads(output.splitlines()[-1])
        assert used == backend

    assert len(found["jax"]) == 2
    assert any(frame["xyxy"] for frame in found["jax"])
    for ours, theirs in zip(found["jax"], found["tensorflow"], strict=True):
        assert ours["class_id"] == theirs["class_id"]
        np.testing.assert_allclose(ours["xyxy"], theirs["xyxy"], atol=0.5)
        np.testing.assert_allclose(ours["score"], theirs["score"], atol=1e-3)
