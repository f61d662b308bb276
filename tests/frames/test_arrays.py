import zipfile

import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.arrays import read_array
from sonar_debris.frames.loader import count_frames


def read(path):
    *_, frame = read_array(path)
    return frame


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4), (1, 1)])
def test_pixel_types_and_shapes_of_a_frame(tmp_path, dtype, shape):
    np.save(tmp_path / "ping.npy", np.zeros(shape, dtype))
    frame = read(tmp_path / "ping.npy")
    assert frame.image.dtype == np.float32
    assert frame.image.shape == shape[:2]
    assert frame.index == 0


@pytest.mark.parametrize("order", ["C", "F"])
def test_values_are_the_same_in_either_memory_order(tmp_path, order):
    np.save(tmp_path / "ping.npy", np.array([[0, 51], [102, 255]], np.uint8, order=order))
    np.testing.assert_array_equal(read(tmp_path / "ping.npy").image, np.float32([[0, 0.2], [0.4, 1]]))


def header(shape, dtype="<f8"):
    """Return an NPY file that ends after its header."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04 an archive", "magic"),
        (b"\x93NUMPY\x03\x00", "Received: 3.0"),
        (b"\x93NUMPY\x01\x00\x05\x00{'des", "header"),
        (header("(5, 5)")[:-10], "EOF"),
        (header("(5, 5)") + bytes(8), "truncated within frame 0 of 1"),
        (header("(3, 5, 5)") + bytes(250), "truncated within frame 1 of 3"),
        (header("(2, 1000000, 1000000)"), "too large"),
        (header("(2, 3, 4, 5, 3)"), "a frame is"),
        (header("(1000000, 1000000)"), "too large"),
        (header("(0, 5)"), "no pixels"),
        (header("(5,)"), "a frame is"),
        (header("(4, 5)", "|O"), "Received: dtype object"),
        (header("(4, 5)", "<c8"), "Received: dtype complex64"),
        (header("(4, 5)", "|V1000000000"), "Received: dtype"),
    ],
)
def test_a_file_that_is_not_a_frame_is_refused(tmp_path, data, reason):
    (tmp_path / "ping.npy").write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read(tmp_path / "ping.npy")


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "ping.npy", np.array([[{}]], object))
    with pytest.raises(ValueError, match="dtype object"):
        read(tmp_path / "ping.npy")


@pytest.mark.parametrize("shape", [(3, 5, 6), (3, 5, 6, 1), (3, 5, 6, 3), (1, 5, 6)])
def test_the_frames_of_a_stack_are_read_in_order(tmp_path, shape):
    stack = np.broadcast_to(np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape).astype(np.float32)
    np.save(tmp_path / "dive.npy", stack)
    frames = list(open_frames(tmp_path / "dive.npy"))
    assert [frame.index for frame in frames] == list(range(shape[0]))
    assert [frame.image.shape for frame in frames] == [(5, 6)] * shape[0]
    assert [frame.image.max() for frame in frames] == list(range(shape[0]))


def test_a_stack_in_fortran_order_is_refused(tmp_path):
    np.save(tmp_path / "dive.npy", np.asfortranarray(np.zeros((3, 5, 6))))
    with pytest.raises(FrameReadError, match="save it in C order"):
        list(open_frames(tmp_path / "dive.npy"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_arrays_of_an_archive_are_read_in_natural_order(tmp_path, save):
    save(tmp_path / "dive.npz", ping10=np.full((4, 5), 3.0), ping2=np.full((2, 4, 5), 1.0), ping3=np.full((4, 5), 2.0))
    frames = list(open_frames(tmp_path / "dive.npz"))
    assert [(frame.index, frame.image.max()) for frame in frames] == [(0, 1), (1, 1), (2, 2), (3, 3)]


def test_intact_frames_of_a_damaged_archive_are_read(tmp_path):
    path = tmp_path / "dive.npz"
    np.savez(path, a=np.zeros((4, 5)), b=np.zeros((400, 500)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255  # within b
    path.write_bytes(data)
    errors = []
    frames = list(open_frames(path, on_error=errors.append))
    assert [frame.index for frame in frames][0] == 0
    assert len(errors) == 1 and "not a readable NPZ file" in errors[0].reason


@pytest.mark.parametrize("data", [b"PK", b"no archive", b"PK\x03\x04" + bytes(60)])
def test_a_file_that_is_not_an_archive_is_refused(tmp_path, data):
    (tmp_path / "dive.npz").write_bytes(data)
    with pytest.raises(FrameReadError, match="not a readable NPZ file"):
        list(open_frames(tmp_path / "dive.npz"))


def test_nothing_in_an_archive_is_unpickled(tmp_path):
    np.savez(tmp_path / "dive.npz", a=np.array([[{}]], object))
    with pytest.raises(FrameReadError, match="dtype object"):
        list(open_frames(tmp_path / "dive.npz"))


@pytest.mark.parametrize("declared", [4, 1000, 10**9, 10**30])
def test_an_overlong_count_costs_only_the_frames_that_are_missing(tmp_path, declared):
    frames = np.ones((3, 5, 6))
    (tmp_path / "dive.npy").write_bytes(header(f"({declared}, 5, 6)") + frames.tobytes() + b"part")
    errors = []

    assert count_frames(tmp_path / "dive.npy") == 3
    assert [frame.index for frame in open_frames(tmp_path / "dive.npy", errors.append)] == [0, 1, 2]
    assert [error.reason for error in errors] == [f"truncated within frame 3 of {declared}"]


def test_a_stack_without_frames_is_an_error(tmp_path):
    np.save(tmp_path / "dive.npy", np.zeros((0, 5, 6)))
    with pytest.raises(FrameReadError, match="the stack holds no frames"):
        list(open_frames(tmp_path / "dive.npy"))


@pytest.mark.parametrize("shape", ["(" * 4000, "(5, " * 2000, "(-5, 6)", "('5', 6)", "(" + "9" * 5000 + ", 5)"])
def test_a_hostile_header_is_an_error(tmp_path, shape):
    (tmp_path / "ping.npy").write_bytes(header(shape))
    with pytest.raises(FrameReadError):
        list(open_frames(tmp_path / "ping.npy"))


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    with (tmp_path / "ping.npy").open("wb") as file:
        file.write(b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little"))
        file.truncate(2**32)
    with pytest.raises(FrameReadError, match="header is too long"):
        list(open_frames(tmp_path / "ping.npy"))


def test_an_array_that_is_not_frames_costs_only_itself(tmp_path):
    np.savez(tmp_path / "dive.npz", a=np.ones((2, 4, 5)), b=np.arange(7), c=np.ones((4, 5)))
    errors = []

    assert [frame.index for frame in open_frames(tmp_path / "dive.npz", errors.append)] == [0, 1, 3]
    assert [(error.index, error.reason[:6]) for error in errors] == [(2, "b.npy:")]
    assert count_frames(tmp_path / "dive.npz") == 4


def test_an_array_with_an_overlong_count_costs_only_what_is_missing(tmp_path):
    with zipfile.ZipFile(tmp_path / "dive.npz", "w") as archive:
        archive.writestr("a.npy", header("(10000000000000000000000, 4, 5)") + np.ones((2, 4, 5)).tobytes())
        archive.writestr("b.npy", header("(4, 5)") + np.ones((4, 5)).tobytes())
    errors = []

    assert [frame.index for frame in open_frames(tmp_path / "dive.npz", errors.append)] == [0, 1, 3]
    assert [error.index for error in errors] == [2] and "truncated within frame 2" in errors[0].reason


def test_an_archive_without_arrays_is_an_error(tmp_path):
    np.savez(tmp_path / "dive.npz")
    with pytest.raises(FrameReadError, match="holds no arrays"):
        list(open_frames(tmp_path / "dive.npz"))
