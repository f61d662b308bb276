import numpy as np
import pytest

from sonar_debris.frames.arrays import read_array


def read(path):
    (frame,) = read_array(path, path.name)
    return frame


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 3), (2, 3, 4), (1, 1)])
def test_types_and_shapes(tmp_path, dtype, shape):
    np.save(tmp_path / "ping.npy", np.zeros(shape, dtype))
    frame = read(tmp_path / "ping.npy")
    assert frame.image.dtype == np.float32
    assert frame.image.shape == shape[:2]
    assert (frame.source, frame.name, frame.index) == (tmp_path / "ping.npy", "ping.npy", 0)


@pytest.mark.parametrize("order", ["C", "F"])
def test_values_in_either_order_of_memory(tmp_path, order):
    np.save(tmp_path / "ping.npy", np.array([[0, 51], [102, 255]], np.uint8, order=order))
    np.testing.assert_array_equal(read(tmp_path / "ping.npy").image, np.float32([[0, 0.2], [0.4, 1]]))


def header(shape, dtype="<f8"):
    """An NPY file that declares its shape and stops there."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04 an archive", "magic"),
        (b"\x93NUMPY\x03\x00", "Received: 3.0"),
        (b"\x93NUMPY\x01\x00\x05\x00{'des", "header"),
        (header("(5, 5)")[:-10], "EOF"),
        (header("(5, 5)") + bytes(8), "(?i)read|reshape"),
        (header("(1000000, 1000000)"), "too large"),
        (header("(0, 5)"), "no pixels"),
        (header("(5,)"), "a frame is"),
        (header("(4, 5, 2)"), "a frame is"),
        (header("(4, 5)", "|O"), "Received: dtype object"),
        (header("(4, 5)", "<c8"), "Received: dtype complex64"),
        (header("(4, 5)", "|V1000000000"), "Received: dtype"),
    ],
)
def test_what_is_no_frame_is_refused(tmp_path, data, reason):
    (tmp_path / "ping.npy").write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read(tmp_path / "ping.npy")


def test_nothing_is_unpickled(tmp_path):
    np.save(tmp_path / "ping.npy", np.array([[{}]], object))
    with pytest.raises(ValueError, match="dtype object"):
        read(tmp_path / "ping.npy")
