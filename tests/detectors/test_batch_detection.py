import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.detectors.batch_detection import detect_frames, detect_to_folder
from sonar_debris.errors import FailureLog
from sonar_debris.frames import Frame, open_frames
from sonar_debris.frames.conditions import SonarConditions, UnseenConditionsWarning
from tests.fakes import FakeDetector


def frame(name: str, brightness: float = 0.5, shape: tuple[int, int] = (12, 10)) -> Frame:
    return Frame(np.full(shape, brightness, np.float32), Path(name), name)


def test_frames_are_detected_in_batches_in_their_order():
    names = [f"{k}.png" for k in range(5)]

    results = list(detect_frames(FakeDetector(), map(frame, names), batch_size=2))

    assert [image.name for image, _ in results] == names
    assert all(detections.names == ["tire"] for _, detections in results)


def test_no_more_than_a_batch_is_read_ahead():
    frames = map(frame, "abcdef")

    next(detect_frames(FakeDetector(), frames, batch_size=2))

    assert next(frames).name == "c"


def test_failing_frame_is_reported_and_left_out():
    failures = FailureLog()
    frames = [frame("a.png"), frame("b.png", shape=(1, 1)), frame("c.png")]

    results = list(detect_frames(FakeDetector(), frames, on_failure=failures.add))

    assert [image.name for image, _ in results] == ["a.png", "c.png"]
    assert failures.entries == [("b.png", "detection failed (a frame of one pixel)")]


def test_results_are_written_from_python(tmp_path):
    folder = tmp_path / "out"
    progress: list[int] = []
    frames = [frame("a.png"), frame("b.png", brightness=0), frame("c.png", shape=(1, 1))]

    summary = detect_to_folder(FakeDetector(alternative=True), frames, folder, batch_size=1, progress=progress.append)

    assert (summary.folder, summary.frames, summary.failed, summary.counts) == (folder, 2, 1, {"tire": 1})
    assert progress[-1] == 3
    coco = json.loads((folder / "detections.coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "b.png"]
    assert [failure["file_name"] for failure in coco["failures"]] == ["c.png"]
    assert sorted(path.name for path in (folder / "annotated").iterdir()) == ["a.png", "b.png"]


def test_frames_that_cannot_be_read_are_listed_in_the_results(write_frame, tmp_path):
    write_frame("dive/1.png")
    (tmp_path / "dive" / "2.png").touch()
    failures = FailureLog()

    frames = open_frames(tmp_path / "dive", failures.add_error)
    summary = detect_to_folder(FakeDetector(), frames, tmp_path / "out", pictures=False, failures=failures)

    assert (summary.frames, summary.failed) == (1, 1)
    coco = json.loads((tmp_path / "out" / "detections.coco.json").read_text())
    assert coco["failures"] == [{"file_name": "2.png", "error": "the file is empty"}]


def test_a_sonar_that_the_model_has_not_seen_is_warned_of_once():
    detector = FakeDetector().with_settings(conditions=SonarConditions(("ARIS 3000",), range_m=(1.0, 3.0)))
    seen = replace(frame("a.aris"), sonar="ARIS 3000")
    unseen = [replace(frame(name), sonar="ARIS 1200") for name in ("b.aris", "c.aris")]

    with pytest.warns(
        UnseenConditionsWarning, match="^b.aris: ARIS 1200; the model was trained on ARIS 3000"
    ) as caught:
        assert len(list(detect_frames(detector, [seen, *unseen]))) == 3
    assert len(caught) == 1
