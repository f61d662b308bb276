import csv
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.results import DetectionTable

HEADER = "file,frame,time,x,y,w,h,class,score,objectness,range_m,bearing_deg,width_m,height_m,latitude,longitude"


def detections(count: int) -> Detections:
    return Detections(
        np.array([[1, 2, 4, 8]] * count, np.float32).reshape(-1, 4),
        np.full(count, 0.5, np.float32),
        np.zeros(count, int),
        np.full(count, 0.25, np.float32),
        ("can", "unknown"),
    )


def written(frame: Frame, count: int, folder: Path) -> str:
    table = DetectionTable()
    table.add(frame, detections(count))
    table.write(folder / "detections.csv")
    return (folder / "detections.csv").read_text()


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, "dive.aris,7,,1.00,2.00,3.00,6.00,can,0.5000,0.2500,,,,,,"),
        (1234.5, "dive.aris,7,1234.500000,1.00,2.00,3.00,6.00,can,0.5000,0.2500,,,,,,"),
    ],
)
def test_a_row_a_detection(time, expected, tmp_path):
    frame = Frame(np.zeros((9, 9), np.float32), Path("dive.aris"), "dive.aris", index=7, time=time)

    assert written(frame, 2, tmp_path).splitlines() == [HEADER, expected, expected]


def test_no_detections_leave_the_header(tmp_path):
    frame = Frame(np.zeros((9, 9), np.float32), Path("a.png"), "a.png")

    assert written(frame, 0, tmp_path).splitlines() == [HEADER]


def test_odd_names_are_quoted(tmp_path):
    name = 'a, "b"\n.png'
    frame = Frame(np.zeros((9, 9), np.float32), Path(name), name)
    written(frame, 1, tmp_path)

    with (tmp_path / "detections.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [name]
