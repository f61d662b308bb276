from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.pictures import PictureFolder, picture_stem

NOTHING = Detections(np.empty((0, 4), np.float32), np.empty(0), np.empty(0, int), np.empty(0), ("can", "unknown"))


def frame(name: str, brightness: float = 0.0, index: int = 0) -> Frame:
    return Frame(np.full((200, 200), brightness, np.float32), Path(name), name, index)


def files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("name", "index", "expected"),
    [
        ("ping.png", 0, "ping"),
        ("day 1/ping.tiff", 0, "day 1/ping"),
        ("ping.2.png", 0, "ping.2"),
        ("dive.aris", 12, "dive-000012"),
        ("/data/dive/ping.png", 0, "ping"),
        ("../../ping.png", 0, "ping"),
        ("dive/../../ping.png", 0, "ping"),
        ("./ping.png", 0, "ping"),
    ],
)
def test_stem(name, index, expected):
    assert picture_stem(name, index) == expected


def test_frames_of_one_name_have_a_picture_each(tmp_path):
    pictures = PictureFolder(tmp_path)
    for brightness, name in [(0.0, "a.png"), (1.0, "a.png"), (0.0, "A.bmp"), (0.0, "sub/a.png")]:
        pictures.add(frame(name, brightness), NOTHING)

    assert files(tmp_path) == ["A-3.png", "a-2.png", "a.png", "sub/a.png"]
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0, 0] == 0
    assert cv2.imread(str(tmp_path / "a-2.png"))[0, 0, 0] == 255


@pytest.mark.parametrize("name", ["../../out.png", "/out.png", "a/../../../out.png"])
def test_no_picture_lies_outside(name, tmp_path):
    folder = tmp_path / "results" / "annotated"
    PictureFolder(folder).add(frame(name), NOTHING)

    assert files(tmp_path) == ["results/annotated/out.png"]
