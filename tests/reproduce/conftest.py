"""A release with everything that the studies read, and studies with very short trainings."""

import shutil
from functools import partial

import cv2
import numpy as np
import pytest

from sonar_debris.reproduce import crop_experiments
from sonar_debris.reproduce.study import Study
from sonar_debris.training import TrainingConfig


@pytest.fixture(scope="session")
def study_release(tiny_release, tmp_path_factory):
    """The tiny release with scenes of its crops and three turntable objects."""
    root = tmp_path_factory.mktemp("studies") / "release"
    shutil.copytree(tiny_release, root)
    rng = np.random.default_rng(1)
    for name in ("bottle-upright", "can-lying", "tire"):
        (root / "turntable-cropped" / name).mkdir(parents=True)
        for number in range(3):
            crop = rng.integers(0, 255, (20, 24), np.uint8)
            cv2.imwrite(str(root / "turntable-cropped" / name / f"{name}-{number}.png"), crop)
    (root / "splits").mkdir()
    rows = [
        f"{name}-{number},{number % 5},{'test' if number > 3 else 'train'}"
        for name in ("bottle", "can")
        for number in range(6)
    ]
    (root / "splits" / "crops.csv").write_text("\n".join(["crop,fold,random", *rows]) + "\n")
    return root


@pytest.fixture
def quick_study(study_release, tmp_path, monkeypatch):
    """A quick study with small batches."""
    monkeypatch.setattr(crop_experiments, "TrainingConfig", partial(TrainingConfig, batch_size=4))
    return Study(study_release, tmp_path / "results" / "study", quick=True, command="sonar-debris reproduce x --quick")
