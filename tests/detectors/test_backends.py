"""All backends give the same boxes."""

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
# A process has one backend, so each backend runs in a process of its own.
DETECT = """
import json, sys
import keras
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.frames import open_frames

detector = DebrisDetector.from_pretrained(sys.argv[1])
results = []
for path in sys.argv[2:]:
    for frame in open_frames(path):
        detections = detector.detect(frame)
        results.append({name: getattr(detections, name).tolist() for name in ("xyxy", "score", "class_id")})
print(json.dumps([keras.backend.backend(), results]))
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


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed: pip install sonar-debris[jax]"
)
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed")
def test_jax_gives_the_detections_of_tensorflow(untrained_model):
    model = list_models().get(DEFAULT_MODEL, untrained_model)
    frames = sorted((ROOT / "data" / "sample").glob("*.png"))[:2]

    backends = ("tensorflow", "jax")
    results = {}
    for backend, process in [(backend, start(backend, model, frames)) for backend in backends]:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        used, results[backend] = json.loads(output.splitlines()[-1])
        assert used == backend

    assert len(results["jax"]) == 2
    assert any(frame["xyxy"] for frame in results["jax"])
    for jax, tensorflow in zip(results["jax"], results["tensorflow"], strict=True):
        assert jax["class_id"] == tensorflow["class_id"]
        np.testing.assert_allclose(jax["xyxy"], tensorflow["xyxy"], atol=0.5)
        np.testing.assert_allclose(jax["score"], tensorflow["score"], atol=1e-3)
