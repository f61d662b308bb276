import os
import tempfile
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.frames import Frame, FrameReadError, open_frames, readers
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.frames.frame_selection import FrameSelection
from sonar_debris.frames.readers import find_format, known_formats

# Of the others their own tests write files.
SUFFIXES = sorted({*known_formats()} - {".bag", ".db3", ".glf", ".mcap"})
VIDEOS = (".mp4", ".avi", ".mkv", ".mov")
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def write(path):
    """Write a small good frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".npy":
        with path.open("wb") as file:
            np.save(file, PIXELS)
    elif path.suffix.lower() in VIDEOS:
        video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
        video.write(np.full((48, 64, 3), 90, np.uint8))
        video.release()
    elif path.suffix.lower() == ".npz":
        with path.open("wb") as file:
            np.savez(file, PIXELS)
    elif path.suffix.lower() == ".aris":
        write_aris(path, [(np.zeros((20, 48), np.uint8), {"sound_speed": 1500, "sample_period": 10})])
    else:
        path.write_bytes(cv2.imencode(path.suffix, PIXELS)[1])
    return path


def names(folder):
    return [frame.name for frame in open_frames(folder)]


@pytest.mark.parametrize("suffix", SUFFIXES + [suffix.upper() for suffix in SUFFIXES])
def test_every_format_whatever_the_case_of_its_suffix(tmp_path, suffix):
    (frame,) = open_frames(write(tmp_path / f"ping{suffix}"))
    assert frame.image.shape == (frame.geometry.shape if frame.geometry else (48, 64) if frame.time == 0 else (3, 4))


def test_a_file_is_named_as_given(tmp_path, monkeypatch):
    write(tmp_path / "dive" / "ping.png")
    monkeypatch.chdir(tmp_path)
    (frame,) = open_frames("./dive/ping.png")
    assert frame.name == "./dive/ping.png"
    assert frame.source == Path("dive/ping.png")


def test_names_in_a_folder_are_relative_and_in_natural_order(tmp_path):
    for name in ("ping-10.png", "ping-2.png", "ping-1.npy", "b/ping.png", "dive-10/1.png", "dive-9/1.png"):
        write(tmp_path / name)
    expected = ["b/ping.png", "dive-9/1.png", "dive-10/1.png", "ping-1.npy", "ping-2.png", "ping-10.png"]
    assert names(tmp_path) == expected
    assert names(str(tmp_path) + "/") == expected


def test_hidden_and_other_files_are_passed_over(tmp_path):
    for name in ("ping.png", "._ping.png", ".cache/ping.png"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("calm sea")
    (tmp_path / "empty.png").mkdir()
    assert names(tmp_path) == ["ping.png"]


def test_a_hidden_file_is_read_where_it_is_asked_for(tmp_path):
    assert len(list(open_frames(write(tmp_path / ".ping.png")))) == 1


@pytest.mark.parametrize("name", ["Überwasser 海.png", "with space.npy", "a\udcff.png"])
def test_file_names_of_any_script(tmp_path, name):
    write(tmp_path / name)
    assert names(tmp_path) == [name]


def test_one_frame_is_read_at_a_time(tmp_path):
    write(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"bad")
    frames = open_frames(tmp_path)
    assert next(frames).name == "1.png"
    with pytest.raises(FrameReadError, match=r"^2\.png: not a PNG"):
        next(frames)


def test_bad_files_are_reported_and_the_others_read(tmp_path):
    for name in ("1.png", "3.png", "5.npy"):
        write(tmp_path / name)
    (tmp_path / "2.png").write_bytes(b"")
    (tmp_path / "4.npy").write_bytes(b"bad")
    errors = []
    assert [frame.name for frame in open_frames(tmp_path, errors.append)] == ["1.png", "3.png", "5.npy"]
    assert [error.name for error in errors] == ["2.png", "4.npy"]
    assert str(errors[0]) == "2.png: the file is empty"
    assert all(isinstance(error, FrameReadError) for error in errors)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.png", "No such file or directory"),
        ("missing", "No such file or directory"),
        ("null\0byte.png", "null byte"),
        ("notes.txt", r"not a file of frames; known formats: \.png"),
        ("no-suffix", "known formats"),
        ("loop.png", "symbolic links"),
        ("folder.png", "the folder holds no frames; known formats"),
    ],
)
def test_a_hopeless_path_is_refused_at_the_call(tmp_path, name, reason):
    (tmp_path / "notes.txt").write_text("calm sea")
    (tmp_path / "no-suffix").write_text("calm sea")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FrameReadError, match=reason) as error:
        open_frames(str(tmp_path / name), on_error=pytest.fail)
    assert error.value.name == str(tmp_path / name)
    assert "\n" not in str(error.value)


def test_links_in_a_folder(tmp_path):
    write(tmp_path / "survey" / "1.png")
    (tmp_path / "survey" / "2.png").symlink_to(tmp_path / "survey" / "1.png")
    (tmp_path / "survey" / "loop.png").symlink_to("loop.png")
    (tmp_path / "survey" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "survey" / "folder").symlink_to(tmp_path / "survey")
    errors = []
    assert [frame.name for frame in open_frames(tmp_path / "survey", errors.append)] == ["1.png", "2.png"]
    assert [error.name for error in errors] == ["gone.png", "loop.png"]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "ping.png")
    with pytest.raises(FrameReadError, match="not a regular file"):
        next(open_frames(tmp_path / "ping.png"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path):
    for name in ("1.png", "2.png", "closed/3.png"):
        write(tmp_path / name)
    (tmp_path / "1.png").chmod(0)
    (tmp_path / "closed").chmod(0)
    errors = []
    read = [frame.name for frame in open_frames(tmp_path, errors.append)]
    (tmp_path / "closed").chmod(0o700)
    assert read == ["2.png"]
    assert [str(error) for error in errors] == ["closed: Permission denied", "1.png: Permission denied"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_are_counted(tmp_path, suffix):
    path = write(tmp_path / f"ping{suffix}")
    assert find_format(path).count(path) == len(list(open_frames(path))) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=15, derandomize=True)
@given(data=st.binary(min_size=1, max_size=200))
def test_random_bytes_give_one_clear_error(suffix, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"ping{suffix}")
        path.write_bytes(data)
        with pytest.raises(FrameReadError):
            next(open_frames(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=30, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5))
def test_damaged_files_give_a_frame_or_one_clear_error(suffix, damage):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, f"ping{suffix}"))
        data = bytearray(path.read_bytes())
        for position, value in damage:
            data[position % len(data)] = value
        path.write_bytes(data)
        try:
            image = next(open_frames(path)).image
        except FrameReadError as error:
            assert error.reason
        else:
            assert image.dtype == np.float32
            assert np.isfinite(image).all()


def test_real_frames(real_data):
    folder = real_data / "watertank-segmentation" / "Images"
    for frame, _ in zip(open_frames(folder), range(5), strict=False):
        assert frame.image.shape == (480, 320)
        assert frame.image.max() <= 1
        stored = cv2.imread(str(frame.source), cv2.IMREAD_GRAYSCALE)
        np.testing.assert_array_equal(frame.image, stored / np.float32(255))


def test_chosen_frames_of_a_folder_are_counted_over_all_its_files(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5 * 15, dtype=np.uint8).reshape(5, 3, 5))
    write(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"damaged")
    np.save(tmp_path / "d.npy", np.arange(5 * 15, dtype=np.uint8).reshape(5, 3, 5))
    errors = []

    chosen = open_frames(tmp_path, errors.append, FrameSelection(slice(1, 10, 2)))

    assert [(frame.name, frame.index) for frame in chosen] == [
        ("a.npy", 1), ("a.npy", 3), ("b.png", 0), ("d.npy", 0), ("d.npy", 2)
    ]  # fmt: skip
    assert errors == []


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".aris", ".avi"])
def test_chosen_frames_of_every_kind_of_recording(tmp_path, suffix):
    path, stack = tmp_path / f"dive{suffix}", np.zeros((9, 48, 48), np.uint8)
    stack += np.arange(9, dtype=np.uint8)[:, None, None] * 20
    if suffix == ".npz":
        np.savez(path, a=stack[:4], b=stack[4:])
    elif suffix == ".npy":
        np.save(path, stack)
    elif suffix == ".tif":
        cv2.imwritemulti(str(path), list(stack))
    elif suffix == ".aris":
        fields = {"sound_speed": 1500, "sample_period": 10, "sample_start_delay": 1000}
        write_aris(path, [(echoes, fields) for echoes in stack])
    else:
        video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (48, 48))
        for image in stack:
            video.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        video.release()

    frames = list(open_frames(path, wanted=FrameSelection(slice(1, 8, 3))))

    assert [frame.index for frame in frames] == [1, 4, 7]
    assert [round(frame.image.max() * 255 / 20) for frame in frames] == [1, 4, 7]


@pytest.mark.parametrize("name, maker", [("dive.oculus", "Oculus"), ("a.SON", "BlueView"), ("b.ddf", "DIDSON")])
def test_closed_formats_are_named_with_the_way_out(tmp_path, name, maker):
    (tmp_path / name).write_bytes(b"what only its maker knows")
    write(tmp_path / "ping.png")
    errors = []

    assert len(list(open_frames(tmp_path, errors.append))) == 1
    assert [error.name for error in errors] == [name] and maker in str(errors[0]) and "export" in str(errors[0])


def test_a_reader_of_another_package(tmp_path, monkeypatch):
    def read(path, name, wanted):
        yield Frame(np.ones((3, 4), np.float32), path, name)

    point = metadata.EntryPoint("sea", f"{__name__}:FORMAT", readers.GROUP)
    monkeypatch.setattr(metadata.EntryPoint, "load", lambda self: readers.Format("seagoing", read, lambda path: 1))
    monkeypatch.setattr(readers, "entry_points", lambda group: [point])
    readers.known_formats.cache_clear()
    (tmp_path / "dive.sea").write_bytes(b"x")
    try:
        assert [frame.name for frame in open_frames(tmp_path)] == ["dive.sea"]
    finally:
        readers.known_formats.cache_clear()
