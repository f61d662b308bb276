import os
import re
import socket
import tempfile
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.errors import printable_name
from sonar_debris.frames import FrameReadError, FrameReadWarning, open_frames, readers
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.frames.description import describe
from sonar_debris.frames.frame import DamagedFrame, FrameGeometryWarning, FrameSelection, RawFrame, TruncatedFile
from sonar_debris.frames.loader import count_frames
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.frames.readers import find_format, known_formats

# Files of the other formats are written by the tests of their readers.
SUFFIXES = sorted({*known_formats()} - {".bag", ".db3", ".glf", ".mcap"})
VIDEOS = (".mp4", ".avi", ".mkv", ".mov")
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def write(path):
    """Write a small intact file with one frame."""
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
def test_every_format_is_recognised_by_its_suffix_in_either_case(tmp_path, suffix):
    path = write(tmp_path / f"ping{suffix}")
    (frame,) = open_frames(path)
    assert (frame.source, frame.name, frame.index) == (path, str(path), 0)
    assert frame.image.shape == (frame.geometry.shape if frame.geometry else (48, 64) if frame.time == 0 else (3, 4))


def test_the_name_of_a_file_is_the_path_that_was_given(tmp_path, monkeypatch):
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


def test_hidden_files_and_other_formats_are_skipped(tmp_path):
    for name in ("ping.png", "._ping.png", ".cache/ping.png"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("calm sea")
    (tmp_path / "empty.png").mkdir()
    assert names(tmp_path) == ["ping.png"]


def test_a_hidden_file_is_read_if_it_is_given(tmp_path):
    assert len(list(open_frames(write(tmp_path / ".ping.png")))) == 1


@pytest.mark.parametrize("name", ["Überwasser 海.png", "with space.npy", "a\udcff.png"])
def test_file_names_may_have_any_characters(tmp_path, name):
    write(tmp_path / name)
    assert names(tmp_path) == [printable_name(name)]


def test_frames_are_read_lazily(tmp_path):
    write(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"bad")
    frames = open_frames(tmp_path)
    assert next(frames).name == "1.png"
    with pytest.raises(FrameReadError, match=r"^2\.png: not a PNG"):
        next(frames)


def test_damaged_files_are_reported_and_the_others_read(tmp_path):
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
def test_a_path_without_frames_is_an_error_at_the_call(tmp_path, name, reason):
    (tmp_path / "notes.txt").write_text("calm sea")
    (tmp_path / "no-suffix").write_text("calm sea")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FrameReadError, match=reason) as error:
        open_frames(str(tmp_path / name), on_error=pytest.fail)
    assert error.value.name == printable_name(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_links_to_files_are_followed_and_links_to_folders_skipped(tmp_path):
    write(tmp_path / "survey" / "1.png")
    (tmp_path / "survey" / "2.png").symlink_to(tmp_path / "survey" / "1.png")
    (tmp_path / "survey" / "loop.png").symlink_to("loop.png")
    (tmp_path / "survey" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "survey" / "folder").symlink_to(tmp_path / "survey")
    errors = []
    assert [frame.name for frame in open_frames(tmp_path / "survey", errors.append)] == ["1.png", "2.png"]
    assert [error.name for error in errors] == ["gone.png", "loop.png"]


def test_a_pipe_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "ping.png")
    with pytest.raises(FrameReadError, match="not a regular file"):
        next(open_frames(tmp_path / "ping.png"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_without_permission_are_reported(tmp_path):
    for name in ("1.png", "2.png", "closed/3.png"):
        write(tmp_path / name)
    (tmp_path / "1.png").chmod(0)
    (tmp_path / "closed").chmod(0)
    errors = []
    read_names = [frame.name for frame in open_frames(tmp_path, errors.append)]
    (tmp_path / "closed").chmod(0o700)
    assert read_names == ["2.png"]
    assert [str(error) for error in errors] == ["closed: Permission denied", "1.png: Permission denied"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_number_of_frames_is_counted(tmp_path, suffix):
    path = write(tmp_path / f"ping{suffix}")
    # The header of a Matroska video has no number of frames: its duration gives an estimate.
    assert find_format(path).count(path) == (None if suffix == ".mkv" else 1)
    assert count_frames(path) == len(list(open_frames(path))) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=15, derandomize=True)
@given(data=st.binary(min_size=1, max_size=200))
def test_random_bytes_are_an_error(suffix, data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"ping{suffix}")
        path.write_bytes(data)
        with pytest.raises(FrameReadError):
            next(open_frames(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=30, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_file_gives_a_valid_frame_or_an_error(suffix, damage):
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


def test_real_frames_are_read_as_stored(real_data):
    folder = real_data / "watertank-segmentation" / "Images"
    for frame, _ in zip(open_frames(folder), range(5), strict=False):
        assert frame.image.shape == (480, 320)
        assert frame.image.max() <= 1
        stored = cv2.imread(str(frame.source), cv2.IMREAD_GRAYSCALE)
        np.testing.assert_array_equal(frame.image, stored / np.float32(255))


def test_selected_frames_of_a_folder_are_counted_over_all_its_files(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5 * 15, dtype=np.uint8).reshape(5, 3, 5))
    write(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"damaged")
    np.save(tmp_path / "d.npy", np.arange(5 * 15, dtype=np.uint8).reshape(5, 3, 5))
    errors = []

    selection = FrameSelection(slice(1, 10, 2))
    frames = open_frames(tmp_path, errors.append, selection)

    assert [(frame.name, frame.index) for frame in frames] == [
        ("a.npy", 1), ("a.npy", 3), ("b.png", 0), ("d.npy", 0), ("d.npy", 2)
    ]  # fmt: skip
    assert errors == []
    assert count_frames(tmp_path) == 12 and count_frames(tmp_path, selection) == 5


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".aris", ".avi"])
def test_frames_are_selected_in_every_kind_of_recording(tmp_path, suffix):
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

    frames = list(open_frames(path, selection=FrameSelection(slice(1, 8, 3))))

    assert [frame.index for frame in frames] == [1, 4, 7]
    assert [round(frame.image.max() * 255 / 20) for frame in frames] == [1, 4, 7]


@pytest.mark.parametrize("name, maker", [("dive.oculus", "Oculus"), ("a.SON", "BlueView"), ("b.ddf", "DIDSON")])
def test_recordings_in_closed_formats_are_reported_with_how_to_export_them(tmp_path, name, maker):
    (tmp_path / name).write_bytes(b"an unpublished format")
    write(tmp_path / "ping.png")
    errors = []

    assert len(list(open_frames(tmp_path, errors.append))) == 1
    assert [error.name for error in errors] == [name] and maker in str(errors[0]) and "export" in str(errors[0])


def register_reader(monkeypatch, read, count):
    """Register a reader of ``.sea`` files, as another package does."""
    file_format = readers.Format("seagoing", read, lambda path: count)

    point = metadata.EntryPoint("sea", f"{__name__}:FORMAT", readers.GROUP)
    monkeypatch.setattr(metadata.EntryPoint, "load", lambda self: file_format)
    monkeypatch.setattr(readers, "entry_points", lambda group: [point])
    readers.known_formats.cache_clear()


@pytest.fixture
def sea_file(tmp_path):
    """A file of a format that another package reads; the registry is restored afterwards."""
    (tmp_path / "dive.sea").write_bytes(b"x")
    yield tmp_path / "dive.sea"
    readers.known_formats.cache_clear()


def test_a_reader_of_another_package(sea_file, monkeypatch):
    def read(path, selection):
        for index in selection.indices(3):
            yield RawFrame(np.full((3, 4), index, np.float32), index, time=10.0 + index)

    register_reader(monkeypatch, read, count=3)

    frames = list(open_frames(sea_file.parent, selection=FrameSelection(slice(1, None))))

    assert [(frame.source, frame.name, frame.index) for frame in frames] == [
        (sea_file, "dive.sea", 1), (sea_file, "dive.sea", 2)
    ]  # fmt: skip
    assert [(frame.image.max(), frame.time) for frame in frames] == [(1, 11.0), (2, 12.0)]


def test_damage_and_truncation_are_reported_with_the_name_of_the_file(sea_file, monkeypatch):
    def read(path, selection):
        yield DamagedFrame(0, "no echoes")
        yield RawFrame(np.ones((3, 4), np.float32), 1)
        yield TruncatedFile("ends after frame 1")

    register_reader(monkeypatch, read, count=2)
    errors = []

    with pytest.warns(FrameReadWarning, match=r"^dive\.sea: ends after frame 1$") as caught:
        (frame,) = open_frames(sea_file.parent, errors.append)

    assert frame.index == 1
    assert [str(error) for error in errors] == ["dive.sea: frame 0: no echoes"]
    assert (caught[0].message.name, caught[0].message.reason) == ("dive.sea", "ends after frame 1")
    assert caught[0].filename == __file__


def test_the_reader_in_the_documentation_works(sea_file, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    module = {}
    exec(example, module)
    register_reader(monkeypatch, module["read"], count=None)
    frames = np.repeat(np.uint8([51, 0, 255]), 480 * 320)
    sea_file.write_bytes(frames.tobytes() + b"x")
    errors = []

    with pytest.warns(FrameReadWarning, match="truncated within frame 3"):
        read_frames = list(open_frames(sea_file, errors.append))

    assert module["count"](sea_file) == 3
    assert [(frame.index, frame.image.shape) for frame in read_frames] == [(0, (480, 320)), (2, (480, 320))]
    assert [frame.image.max() for frame in read_frames] == pytest.approx([0.2, 1])
    assert [error.problem for error in errors] == ["frame 1: it has no echoes"]


@pytest.fixture
def special_files(tmp_path):
    """A folder with one image, and with paths that cannot be read as files."""
    write(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.npy")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.bind(str(tmp_path / "socket.aris"))
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    (tmp_path / "broken.tif").symlink_to("nowhere")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.npz").write_bytes(b"")
    return tmp_path


def test_paths_that_are_not_files_cost_only_themselves(special_files):
    errors = []

    assert count_frames(special_files) == 6
    assert [frame.name for frame in open_frames(special_files, errors.append)] == ["good.png"]
    assert [str(error) for error in errors] == [
        "broken.tif: No such file or directory",
        "device.mp4: not a regular file",
        "empty.npz: the file is empty",
        "pipe.npy: not a regular file",
        "socket.aris: not a regular file",
    ]


def test_paths_that_are_not_files_are_skipped_where_fans_are_measured(special_files):
    errors = []

    with pytest.warns(FrameGeometryWarning, match="bright pixels outside of the fan"):
        frames = list(open_frames(special_files, errors.append, window=RangeWindow(10.0, 1.0, 30.0)))

    assert [frame.name for frame in frames] == ["good.png"] and len(errors) == 5


@pytest.mark.parametrize("name", ["pipe.npy", "socket.aris", "device.mp4"])
def test_a_path_that_is_not_a_file_is_an_error(special_files, name):
    assert count_frames(special_files / name) == 1
    with pytest.raises(FrameReadError, match=f"{name}: not a regular file"):
        next(open_frames(special_files / name))
    with pytest.raises(FrameReadError, match=f"{name}: not a regular file"):
        describe(special_files / name)


def test_the_heading_offset_is_added_to_headings(tmp_path):
    fields = {"sound_speed": 1500, "sample_period": 10, "heading": 350.0}
    write_aris(tmp_path / "dive.aris", [(np.zeros((20, 48), np.uint8), fields)])

    (frame,) = open_frames(tmp_path / "dive.aris", selection=FrameSelection(heading_offset=12.5))

    assert frame.navigation.heading == 2.5
    assert describe(tmp_path / "dive.aris", FrameSelection(heading_offset=-5.0))["heading_deg"] == 345
    assert "magnetic" in describe(tmp_path / "dive.aris")["heading_reference"]
