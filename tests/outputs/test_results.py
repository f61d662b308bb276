import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.results import DetectionTable, ResultFolder

BOX_COLUMNS = "file,frame,time,x,y,w,h,class,score,objectness"
HEADER = BOX_COLUMNS + ",range_m,bearing_deg,width_m,range_extent_m,latitude,longitude,alternative"


def detections(count: int) -> Detections:
    return Detections(
        np.array([[1, 2, 4, 8]] * count, np.float32).reshape(-1, 4),
        np.full(count, 0.5, np.float32),
        np.zeros(count, int),
        np.full(count, 0.25, np.float32),
        ("can", "unknown"),
    )


def write_table(frame: Frame, count: int, folder: Path) -> str:
    table = DetectionTable()
    table.add(frame, detections(count))
    table.write(folder / "detections.csv")
    return (folder / "detections.csv").read_text()


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, "dive.aris,7,,1.00,2.00,3.00,6.00,can,0.5000,0.2500,,,,,,,0"),
        (1234.5, "dive.aris,7,,1.00,2.00,3.00,6.00,can,0.5000,0.2500,,,,,,,0"),
    ],
)
def test_table_has_one_row_per_detection(time, expected, tmp_path):
    frame = Frame(np.zeros((9, 9), np.float32), Path("dive.aris"), "dive.aris", index=7, time=time)

    assert write_table(frame, 2, tmp_path).splitlines() == [HEADER, expected, expected]


def test_table_without_detections_has_only_the_header(tmp_path):
    frame = Frame(np.zeros((9, 9), np.float32), Path("a.png"), "a.png")

    assert write_table(frame, 0, tmp_path).splitlines() == [HEADER]


def test_names_with_commas_and_quotes_are_quoted(tmp_path):
    name = 'a, "b"\n.png'
    frame = Frame(np.zeros((9, 9), np.float32), Path(name), name)
    write_table(frame, 1, tmp_path)

    with (tmp_path / "detections.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [name]


def test_alternative_labels_are_written_but_not_counted(tmp_path):
    frame = Frame(np.zeros((9, 9), np.float32), Path("a.png"), "a.png")
    results = ResultFolder(tmp_path, ("can", "unknown"), {}, pictures=False)
    results.add(frame, replace(detections(3), alternative=np.array([False, False, True])))
    results.write([])

    assert results.counts == {"can": 2}
    with (tmp_path / "detections.csv").open(newline="") as file:
        assert [row["alternative"] for row in csv.DictReader(file)] == ["0", "0", "1"]
