"""Fixtures for all tests."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

# Before any test module imports keras.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# How long an example takes is no test: a busy machine would fail it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Run by hand, for as long as one likes; needs atheris.
collect_ignore = ["fuzz_readers.py"]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the public release; tests that ask for it are skipped where it is absent."""
    folder = Path(os.environ.get("SONAR_DEBRIS_DATA", ROOT.parent / "shared" / "data")) / "marine-debris-fls"
    if not folder.is_dir():
        pytest.skip(f"no real sonar data: {folder} is absent; SONAR_DEBRIS_DATA may name the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def tiny_release(tmp_path_factory) -> Path:
    """A folder laid out as the public release: 25 frames of 5 scenes, 6 crops of each of 2 classes, no splits.

    Frame ``frame-SK`` is the K-th near-copy of scene S; it shows a can and, in every other scene, a tire.
    """
    root = tmp_path_factory.mktemp("release")
    rng = np.random.default_rng(0)
    for part in ("watertank-segmentation/Images", "watertank-segmentation/BoxAnnotations"):
        (root / part).mkdir(parents=True)
    for scene in range(5):
        layout = cv2.resize(rng.uniform(30, 170, (6, 5)), (120, 150), interpolation=cv2.INTER_CUBIC)
        boxes = [("Can", (20, 30, 40, 36)), ("Tire", (64, 80, 44, 50))][: 1 + scene % 2]
        for name, (x, y, w, h) in boxes:
            layout[y : y + h, x : x + w] += 80 if name == "Can" else -25
        for copy in range(5):
            image = np.clip(layout + rng.normal(0, 5, layout.shape), 1, 255).astype(np.uint8)
            write_labelled_frame(root, f"frame-{scene}{copy}", image, boxes)
    for name, stripes in (("bottle", np.s_[::4]), ("can", np.s_[:, ::4])):
        (root / "watertank-cropped" / name).mkdir(parents=True)
        for number in range(6):
            crop = rng.uniform(20, 60, (28, 20))
            crop[stripes] += 150
            cv2.imwrite(str(root / "watertank-cropped" / name / f"{name}-{number}.png"), crop.astype(np.uint8))
    return root


def write_labelled_frame(root: Path, name: str, image: np.ndarray, boxes: list) -> None:
    """Write a frame and, as the release does, its boxes ``(class name, (x, y, w, h))``."""
    objects = "".join(
        f"<object><name>{label}</name><bndbox><x>{x}</x><y>{y}</y><w>{w}</w><h>{h}</h></bndbox></object>"
        for label, (x, y, w, h) in boxes
    )
    folder = root / "watertank-segmentation"
    (folder / "BoxAnnotations" / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
    cv2.imwrite(str(folder / "Images" / f"{name}.png"), image)
