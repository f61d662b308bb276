"""Fixtures for the readers of labels."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.datasets.labels import read_labels


@pytest.fixture
def write_images(tmp_path) -> Callable[..., Path]:
    """Return a function that writes grey images of 200 rows and 300 columns into a folder and returns the folder."""

    def write(*names: str, folder: str = "images", shape: tuple[int, int] = (200, 300)) -> Path:
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), np.full(shape, 90, np.uint8))
        return tmp_path / folder

    return write


def read_objects(images: Path, labels: Path) -> dict[str, list[tuple[str, list[float]]]]:
    """Return class name and box of each object, by the name of the frame."""
    frames, names = read_labels(images, labels)
    return {
        frame.name: [
            (names[index], box.round(3).tolist()) for index, box in zip(frame.class_id, frame.xyxy, strict=True)
        ]
        for frame in frames
    }


@pytest.fixture(name="read_objects")
def read_objects_fixture() -> Callable[[Path, Path], dict[str, list[tuple[str, list[float]]]]]:
    """Return `read_objects`."""
    return read_objects
