"""Fixtures for all tests."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

# Set before any test module imports keras.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# No deadline per example: tests must not fail on a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# The fuzzer runs by hand, for any length of time; it needs atheris.
collect_ignore = ["fuzz.py", "fuzz_data.py", "fuzz_frames.py"]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of the public release; tests that use it are skipped if it is absent."""
    folder = Path(os.environ.get("SONAR_DEBRIS_DATA", ROOT.parent / "shared" / "data")) / "marine-debris-fls"
    if not folder.is_dir():
        pytest.skip(f"no real sonar data: {folder} does not exist; set SONAR_DEBRIS_DATA to the folder that holds it")
    return folder


@pytest.fixture
def write_frame(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a grey frame under tmp_path and returns its path."""

    def write(name: str, brightness: int = 100, shape: tuple[int, int] = (12, 10)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full(shape, brightness, np.uint8))
        return path

    return write


@pytest.fixture(scope="session")
def tiny_release(tmp_path_factory) -> Path:
    """Create a folder laid out like the public release: 25 frames of 5 scenes, 12 crops of 2 classes, no splits.

    Frame ``frame-SK`` is the K-th near-copy of scene S. It shows a can and, in every other scene, a tire.
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
    """Write a frame and, in the format of the release, its boxes ``(class name, (x, y, w, h))``."""
    objects = "".join(
        f"<object><name>{label}</name><bndbox><x>{x}</x><y>{y}</y><w>{w}</w><h>{h}</h></bndbox></object>"
        for label, (x, y, w, h) in boxes
    )
    folder = root / "watertank-segmentation"
    (folder / "BoxAnnotations" / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
    cv2.imwrite(str(folder / "Images" / f"{name}.png"), image)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print how many damaged and hostile inputs each command was given."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    commands = Counter(value for report in reports for name, value in report.user_properties if name == "bad_input")
    if commands:
        counts = ", ".join(f"{command} {count}" for command, count in sorted(commands.items()))
        terminalreporter.write_line(f"bad-input matrix: {counts}")
