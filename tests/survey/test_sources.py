"""Which file is which source, and what is read again when the same command is given again."""

import importlib.util
import os
import shutil
import sys
import threading

import cv2
import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisWarning, printable_name
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.sidecar import write_sidecar
from sonar_debris.survey.inference import Reading, local_inference
from sonar_debris.survey.records import DetectionKey
from sonar_debris.survey.run import SurveyConfig, process_sources, run_survey
from sonar_debris.survey.sources import find_sources
from sonar_debris.survey.store import SurveyStore, open_survey
from tests.fakes import BrightSpots, echoes

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 2000, "sample_period": 10, "latitude": 48.5, "longitude": -4.5}


def recording(path, frames=range(6)):
    """Write a recording; each frame has the same number of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aris(path, ((echoes(k), FIELDS | {"frame_time": k * 10**5}) for k in frames))
    return path


@pytest.fixture
def survey(tmp_path):
    """A function that surveys inputs into a folder; it returns the detector, and the lines that it was notified of."""

    def run(*inputs, folder=tmp_path / "night", batch_size=4):
        lines, detector = [], BrightSpots()
        config = SurveyConfig(detector=detector, batch_size=batch_size)
        run_survey(inputs, folder, config, on_error=lambda error: None, notify=lines.append)
        return sum(detector.batches), lines

    return run


@pytest.fixture
def data(tmp_path):
    """A folder with a recording in a subfolder, and an image."""
    recording(tmp_path / "data" / "sub" / "a.aris")
    cv2.imwrite(str(tmp_path / "data" / "b.png"), echoes(9))
    return tmp_path / "data"


def detections(query, folder):
    return query(
        folder, "SELECT name, position, rank, x, y, class FROM detection JOIN source ON id = source ORDER BY 1, 2, 3"
    )


def test_a_file_is_the_same_source_however_its_path_is_spelled(data, survey, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "file-link.aris").symlink_to(data / "sub" / "a.aris")
    assert survey("data") == (7, [])
    expected = rows(tmp_path / "night")

    monkeypatch.chdir(data)
    for inputs in ((".",), (data,), ("../link",), ("../data/sub", "b.png"), ("../file-link.aris", "./sub/../b.png")):
        assert survey(*inputs) == (0, [])
        assert rows(tmp_path / "night") == expected
    assert [name for _, name, *_ in expected["source"]] == ["data/b.png", "data/sub/a.aris"]


def test_files_given_under_one_path_from_two_folders_have_different_names(survey, query, tmp_path, monkeypatch):
    for name, frame in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "ping.png"), echoes(frame))
        monkeypatch.chdir(tmp_path / name)
        assert survey("ping.png")[0] == 1

    names = [name for (name,) in query(tmp_path / "night", "SELECT name FROM source ORDER BY id")]
    assert names == ["ping.png", f"{tmp_path}/two/ping.png"]


def test_names_that_are_not_utf8_or_hold_control_characters_are_escaped(survey, query, tmp_path):
    folder = tmp_path / "dive"
    folder.mkdir()
    for number, name in enumerate((b"k\xfcste.png", b"new\nline\x1b.png", "küste.png".encode())):
        shutil.copyfile(recording(tmp_path / "a.aris"), os.fsencode(folder) + b"/" + name.replace(b"png", b"aris"))
        cv2.imwrite(str(tmp_path / "ping.png"), echoes(number))
        os.rename(tmp_path / "ping.png", os.fsencode(folder) + b"/" + name)

    assert survey(folder)[0] == 21
    assert survey(folder)[0] == 0
    names = {name.rsplit("/")[-1] for (name,) in query(tmp_path / "night", "SELECT name FROM source")}
    assert {r"k\xfcste.png", r"new\nline\x1b.png", "küste.png"} < names
    with open_survey(tmp_path / "night") as store:
        paths = [store.source_path(record.id) for record in store.sources()]
    assert all(path.is_file() for path in paths) and len(set(paths)) == 6
    assert printable_name("a\u00a0b.png") == "a\u00a0b.png"


@pytest.mark.parametrize("cut", ["within a frame", "after a frame"])
def test_a_recording_that_was_still_being_copied_is_read_on(survey, rows, tmp_path, cut):
    whole = recording(tmp_path / "whole" / "dive.aris", range(20)).read_bytes()
    frame_size = (len(whole) - 1024) // 20
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "dive.aris"
    path.write_bytes(whole[: 1024 + 8 * frame_size + (100 if cut == "within a frame" else 0)])
    assert survey(tmp_path / "in")[0] == 8

    path.write_bytes(whole)
    processed, lines = survey(tmp_path / "in")

    assert processed == 13  # the last of the eight frames, too: it might have been half written
    assert lines == [f"1 file longer than before; continued from the last intact frame: {path}"]
    assert survey(tmp_path / "in") == (0, [])
    recording(tmp_path / "in" / "dive.aris", range(20))
    os.utime(path)
    survey(tmp_path / "in", folder=tmp_path / "uninterrupted")
    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")


def test_a_survey_begun_during_the_copying_is_complete_after_the_same_command(survey, rows, query, tmp_path):
    complete = tmp_path / "complete"
    for name in ("a.aris", "c.aris"):
        recording(complete / name, range(12))
    for number in range(12):
        cv2.imwrite(str(complete / f"b-{number}.png"), echoes(number))
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copyfile(complete / "b-3.png", folder / "b-3.png")
    (folder / "a.aris").write_bytes((complete / "a.aris").read_bytes()[:9000])
    (folder / "b-7.png").write_bytes((complete / "b-7.png").read_bytes()[:60])
    (folder / "c.aris").touch()
    survey(folder)

    shutil.copytree(complete, folder, dirs_exist_ok=True)
    survey(folder)
    survey(folder, folder=tmp_path / "uninterrupted")

    assert detections(query, tmp_path / "night") == detections(query, tmp_path / "uninterrupted")
    objects = "SELECT class, score, frames, agreement FROM object ORDER BY 1, 2, 3"
    assert query(tmp_path / "night", objects) == query(tmp_path / "uninterrupted", objects)
    assert query(tmp_path / "night", "SELECT name FROM source WHERE failure IS NOT NULL") == []


@pytest.mark.parametrize("how", ["replaced by a longer one", "replaced by a shorter one", "same size, other time"])
def test_a_recording_that_was_replaced_is_processed_from_its_start(survey, query, tmp_path, how):
    path = recording(tmp_path / "in" / "dive.aris", range(8))
    survey(path)
    frames = {"replaced by a longer one": range(5, 15), "replaced by a shorter one": range(5)}.get(how, range(1, 9))
    recording(path, frames)
    os.utime(path, ns=(1, 1))

    processed, lines = survey(path)

    assert processed == len(frames)
    assert lines == [f"1 file changed; processed again from the start: {path}"]
    survey(path, folder=tmp_path / "new")
    assert detections(query, tmp_path / "night") == detections(query, tmp_path / "new")
    assert query(tmp_path / "night", "PRAGMA foreign_key_check") == []


def test_a_failed_source_is_read_again_until_it_succeeds(survey, query, tmp_path, monkeypatch):
    path = tmp_path / "dive.npy"
    np.save(path, np.full((3, 40, 50), 0.2, np.float32))
    failure = FrameReadError(str(path), "reading it needs a package")
    line = f"1 file failed before; read again: {path}"
    with monkeypatch.context() as patch:
        patch.setattr("sonar_debris.survey.prefetch._read_source", lambda *_: iter([failure]))
        assert survey(path) == (0, [])
        assert survey(path) == (0, [line])
    assert query(tmp_path / "night", "SELECT failure FROM source") == [("reading it needs a package",)]

    assert survey(path) == (3, [line])

    assert query(tmp_path / "night", "SELECT frames, failure FROM source") == [(3, None)]
    assert survey(path) == (0, [])


def test_a_split_bag_is_read_after_rosbags_was_installed(survey, query, tmp_path, monkeypatch):
    bags = pytest.importorskip("tests.ros_bags", reason="the extra ros is not installed")
    folder = tmp_path / "bag"
    store = bags.typestore()
    bags.split_bag(folder, [[bags.image(store, echoes(k), 100.0 + k) for k in part] for part in ([0, 1], [2, 3])])
    find_spec = importlib.util.find_spec
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None if name == "rosbags" else find_spec(name))
        patch.setitem(sys.modules, "ruamel.yaml", None)
        assert survey(folder)[0] == 0
    failures = query(tmp_path / "night", "SELECT failure FROM source")
    assert len(failures) == 2 and all("needs rosbags" in failure for (failure,) in failures)

    processed, lines = survey(folder)

    assert processed == 4
    assert lines[0].startswith("2 files now read as part of another file: ")
    assert query(tmp_path / "night", "SELECT name, frames FROM source") == [(f"{folder}/metadata.yaml", 4)]
    (folder / "bag_1.db3").write_bytes((folder / "bag_0.db3").read_bytes())

    assert survey(folder)[1][0].startswith("1 file changed; processed again")


def test_a_truncated_recording_keeps_its_failure_and_frames(survey, rows, tmp_path):
    path = recording(tmp_path / "dive.aris")
    path.write_bytes(path.read_bytes()[:-100])
    survey(path)
    expected = rows(tmp_path / "night")

    assert survey(path) == (0, [f"1 file failed before; read again: {path}"])
    assert rows(tmp_path / "night") == expected
    assert expected["source"][0][3].startswith("truncated within frame 5")


def test_decisions_are_kept_where_the_same_detection_is_made_again(survey, query, tmp_path):
    path = recording(tmp_path / "dive.aris", range(8))
    survey(path)
    with SurveyStore(tmp_path / "night") as store:
        for position in (1, 6):
            store.decide(DetectionKey(1, position, 0), "accepted", "can")
            store.decide(DetectionKey(1, position, 0), "rejected", "hook")
    recording(path, [0, 1, 2, 3, 20, 21, 22, 23])
    os.utime(path, ns=(1, 1))

    _, lines = survey(path)

    assert lines[1:] == [
        "4 decisions on these files are set aside until the same detections are made again",
        "2 decisions do not count: files changed, and the same detections were not made again",
    ]
    decisions = query(tmp_path / "night", "SELECT source, position, rank, verdict, class FROM decision ORDER BY id")
    assert decisions == [(1, 1, 0, "accepted", "can"), (1, 1, 0, "rejected", "hook")]
    with open_survey(tmp_path / "night") as store:
        assert store.count_decisions() == 2
    recording(path, range(8))

    survey(path)

    assert query(tmp_path / "night", "SELECT COUNT(*) FROM decision") == [(4,)]
    assert query(tmp_path / "night", "SELECT COUNT(*) FROM set_aside_decision") == [(0,)]


def test_a_kill_after_the_removal_of_rows_loses_no_decision(tmp_path, query):
    path = recording(tmp_path / "dive.aris", range(8))
    reading = Reading(4)

    def process(stop):
        with SurveyStore(tmp_path) as store:
            sources = find_sources([path], lambda error: None)
            process_sources(store, sources, 8, local_inference(BrightSpots(), reading), lambda progress: None, stop)
            return store.count_decisions()

    process(threading.Event())
    with SurveyStore(tmp_path) as store:
        store.decide(DetectionKey(1, 7, 0), "accepted", "can")
    os.utime(path, ns=(1, 1))
    stopped = threading.Event()
    stopped.set()

    assert process(stopped) == 1
    assert query(tmp_path, "SELECT COUNT(*) FROM frame") == [(0,)]
    assert process(threading.Event()) == 1
    assert query(tmp_path, "SELECT position, verdict FROM decision") == [(7, "accepted")]


def test_moved_files_are_the_same_sources(data, survey, rows, tmp_path):
    survey(data)
    expected = rows(tmp_path / "night")
    moved = tmp_path / "disk" / "data-2"
    shutil.copytree(data, moved)
    os.utime(moved / "b.png")
    shutil.rmtree(data)

    assert survey(moved) == (0, [])

    assert rows(tmp_path / "night") == expected
    with open_survey(tmp_path / "night") as store:
        assert store.source_path("no such source") is None
        assert [store.source_path(record.name) for record in store.sources()] == [moved / "b.png", moved / "sub/a.aris"]


def test_another_file_in_the_place_of_a_missing_one_is_another_source(data, survey, query, tmp_path):
    survey(data)
    other = recording(tmp_path / "data-2" / "sub" / "a.aris", range(30, 36))
    shutil.rmtree(data)

    assert survey(other.parent.parent)[0] == 6
    assert query(tmp_path / "night", "SELECT COUNT(*) FROM source") == [(3,)]


def test_files_that_moved_together_with_the_survey_are_found_from_any_folder(data, survey, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    survey("data")
    (tmp_path / "disk").mkdir()
    for name in ("data", "night"):
        (tmp_path / name).rename(tmp_path / "disk" / name)
    monkeypatch.chdir("/")

    with open_survey(tmp_path / "disk" / "night") as store:
        assert store.source_path(1) == tmp_path / "disk" / "data" / "b.png"
        (tmp_path / "disk" / "data" / "b.png").unlink()
        assert store.source_path(1) is None


def test_an_image_whose_sidecar_arrives_later_is_processed_again(survey, query, tmp_path):
    folder = tmp_path / "dive"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), echoes(number))
    survey(folder)
    fan = FanGeometry.of_window(60, 1.0, 5.0, 30.0)
    write_sidecar(folder, [("1.png", Frame(echoes(1), folder / "1.png", "1.png", geometry=fan))])

    assert survey(folder)[0] == 1
    ranges = query(tmp_path / "night", "SELECT source, range_m IS NOT NULL FROM detection WHERE rank = 0")
    assert ranges == [(1, 0), (2, 1)]
    (folder / "geometry.json").write_text("{damaged")

    assert survey(folder)[1][0].startswith("2 files changed; processed again")


def test_sources_of_version_2_are_found_by_their_names(data, survey, rows, query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    survey("data")
    expected = rows(tmp_path / "night")
    assignments = ", ".join(
        f"{name} = NULL" for name in ("path", "real_path", "relative", "size", "mtime", "fingerprint")
    )
    with SurveyStore(tmp_path / "night") as store, store.transaction():
        store._connection.execute(f"UPDATE source SET {assignments}")
        store._connection.execute("DELETE FROM setting")
        monkeypatch.chdir("/")
        assert store.source_path(1) == data / "b.png"

    assert survey(data) == (0, [])
    assert rows(tmp_path / "night") == expected
    assert query(tmp_path / "night", "SELECT real_path FROM source WHERE id = 1") == [(str(data / "b.png"),)]


def test_files_that_are_not_regular_are_reported(tmp_path):
    errors = []
    os.mkfifo(tmp_path / "ping.png")

    assert find_sources([tmp_path / "ping.png", "nul\0.png"], errors.append) == []
    assert [error.reason for error in errors] == ["not a regular file", "embedded null byte"]


def test_run_survey_warns_by_default(tmp_path):
    path = recording(tmp_path / "dive.aris")
    config = SurveyConfig(detector=BrightSpots())
    run_survey([path], tmp_path / "night", config)
    os.utime(path, ns=(1, 1))

    with pytest.warns(SonarDebrisWarning, match="1 file changed"):
        run_survey([path], tmp_path / "night", config)
