"""TIFF files that these tests write tag by tag: OpenCV and Pillow write only the usual ones."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest

from sonar_debris.frames import FrameReadError, open_frames
from sonar_debris.frames.tiff import TiffFile, is_tiff

RNG = np.random.default_rng(0)
PLANES = RNG.integers(0, 2**16, (3, 20, 30), np.uint16)
BLACK_IS_ZERO, RGB = 1, 2


def page(pixels, order="<", planar=False, photometric=BLACK_IS_ZERO, deflate=False, **tags):
    """Return the tags of a page with one strip per plane, or one for all planes, and its strips."""
    planes = pixels if planar else [pixels]
    strips = [np.ascontiguousarray(plane).astype(plane.dtype.newbyteorder(order)).tobytes() for plane in planes]
    rows, cols = pixels.shape[1:] if planar else pixels.shape[:2]
    samples = len(pixels) if planar else (pixels.shape[2] if pixels.ndim == 3 else 1)
    values = {256: [cols], 257: [rows], 258: [8 * pixels.itemsize] * samples, 259: [8 if deflate else 1]}
    values |= {262: [photometric], 277: [samples], 278: [rows], 284: [2 if planar else 1]}
    values |= {339: [{"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]] * samples}
    values |= {int(tag.removeprefix("tag")): [value] for tag, value in tags.items()}
    return values, [zlib.compress(strip) for strip in strips] if deflate else strips


def tiff(pages, order="<", big=False):
    """Return a TIFF or BigTIFF with these pages; each directory follows the strips of its page."""
    count_format, offset_format, type_code = ("Q", "Q", 16) if big else ("H", "I", 4)
    start = b"II" if order == "<" else b"MM"
    data = bytearray(
        start + struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else start + struct.pack(order + "HI", 42, 0)
    )
    link = 8 if big else 4
    for values, strips in pages:
        offsets = []
        for strip in strips:
            offsets.append(len(data))
            data += strip
        values = {**values, 273: offsets, 279: [len(strip) for strip in strips]}
        struct.pack_into(order + offset_format, data, link, len(data))
        directory = struct.pack(order + count_format, len(values))
        end = len(data) + len(directory) + len(values) * (20 if big else 12) + struct.calcsize(order + offset_format)
        extra = b""
        for tag, numbers in sorted(values.items()):
            value = struct.pack(f"{order}{len(numbers)}{offset_format}", *numbers)
            if len(value) > struct.calcsize(order + offset_format):
                value, extra = struct.pack(order + offset_format, end + len(extra)), extra + value
            directory += struct.pack(f"{order}HH{offset_format}", tag, type_code, len(numbers)) + value
        link = len(data) + len(directory)
        data += directory + bytes(struct.calcsize(order + offset_format)) + extra
    return bytes(data)


def read_page(data, index=0):
    return TiffFile(BytesIO(data)).read_page(index)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_separate_planes_are_the_channels_of_one_image(order, big, deflate, dtype):
    planes = (PLANES // 256).astype(dtype)

    data = tiff([page(planes, order, planar=True, photometric=RGB, deflate=deflate)], order, big)

    np.testing.assert_array_equal(read_page(data), np.moveaxis(planes, 0, -1))


def test_a_frame_of_planes_has_the_luma_of_its_colours(tmp_path):
    (tmp_path / "ping.tif").write_bytes(tiff([page(PLANES, planar=True, photometric=RGB)]))

    (frame,) = open_frames(tmp_path / "ping.tif")

    luma = np.tensordot([0.299, 0.587, 0.114], PLANES / 65535, axes=1)
    np.testing.assert_allclose(frame.image, luma, atol=1e-4)


def test_a_fourth_plane_is_alpha_and_left_out():
    planes = np.concatenate([PLANES, PLANES[:1] // 2])

    pixels = read_page(tiff([page(planes, planar=True, photometric=RGB, tag338=2)]))

    np.testing.assert_array_equal(pixels, np.moveaxis(PLANES, 0, -1))


def test_colours_are_not_multiplied_with_alpha():
    colours = RNG.integers(0, 256, (8, 9, 4), np.uint8)

    pixels = read_page(tiff([page(colours, photometric=RGB, tag338=2)]))

    np.testing.assert_array_equal(pixels, colours[..., :3])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_whose_zero_is_white_are_inverted(dtype):
    grey = (PLANES[0] // 256).astype(dtype)

    np.testing.assert_array_equal(read_page(tiff([page(grey, photometric=0)])), np.iinfo(dtype).max - grey)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("orientation", "displayed"),
    [
        (0, lambda image: image),
        (1, lambda image: image),
        (2, np.fliplr),
        (3, lambda image: np.rot90(image, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda image: np.rot90(image, -1)),
        (7, lambda image: np.rot90(image, 2).T),
        (8, np.rot90),
        (99, lambda image: image),
    ],
)
def test_pages_are_read_in_the_orientation_in_which_they_are_displayed(dtype, orientation, displayed):
    grey = (PLANES[0] // 256).astype(dtype)

    np.testing.assert_array_equal(read_page(tiff([page(grey, tag274=orientation)])), displayed(grey))


@pytest.mark.parametrize("big", [False, True])
def test_a_damaged_page_does_not_affect_the_others(tmp_path, big):
    pages = [page(np.full((20, 30), value, np.uint8), deflate=True) for value in (1, 2, 3, 4)]
    pages[1][1][0] = b"no deflate"
    pages[2][0][256] = [0]
    (tmp_path / "dive.tif").write_bytes(tiff(pages, big=big))
    errors = []

    frames = list(open_frames(tmp_path / "dive.tif", errors.append))

    assert [(frame.index, round(frame.image.max() * 255)) for frame in frames] == [(0, 1), (3, 4)]
    assert [error.index for error in errors] == [1, 2]
    assert "damaged" in str(errors[0]) and "no pixels" in str(errors[1])


def test_pages_that_cannot_be_found_are_reported(tmp_path):
    pages = [page(np.full((20, 30), value, np.uint8)) for value in (1, 2, 3)]
    data = tiff(pages)
    (tmp_path / "dive.tif").write_bytes(data[: data.rindex(b"\x03" * 20)])
    errors = []

    frames = list(open_frames(tmp_path / "dive.tif", errors.append))

    assert [frame.index for frame in frames] == [0, 1]
    assert [error.problem for error in errors] == [
        "frame 2: the image cannot be decoded: this page and those after it cannot be found: "
        "the file is truncated or damaged"
    ]


def test_pages_in_a_circle_are_read_once():
    data = bytearray(tiff([page(PLANES[0])]))
    (offset,) = struct.unpack_from("<I", data, 4)
    tag_count = data[offset]
    struct.pack_into("<I", data, offset + 2 + 12 * tag_count, offset)

    assert TiffFile(BytesIO(data)).count == 2  # the second is the page that cannot be found
    np.testing.assert_array_equal(read_page(data), PLANES[0])


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({256: [10**6], 257: [10**6]}, "too large"),
        ({257: [0]}, "no pixels"),
        ({277: [2**31], 284: [2]}, "damaged"),
        ({258: [16] * 4, 277: [4], 284: [2], 262: [5]}, "unusual kind|damaged"),
    ],
)
def test_a_hostile_page_is_refused(tmp_path, tags, reason):
    values, strips = page(PLANES[0])
    (tmp_path / "ping.tif").write_bytes(tiff([({**values, **tags}, strips)]))

    with pytest.raises(FrameReadError, match=reason):
        list(open_frames(tmp_path / "ping.tif"))


def test_strips_that_overlap_are_refused():
    data = bytearray(tiff([page(np.stack([PLANES[0]] * 50), planar=True)]))
    sizes = struct.pack("<50I", *[PLANES[0].nbytes] * 50)
    position = data.index(sizes)
    data[position : position + len(sizes)] = struct.pack("<50I", *[len(data) - 8] * 50)

    with pytest.raises(ValueError, match="table of strips is wrong|damaged or truncated"):
        read_page(bytes(data))


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\0\0\0\0", b"MM\0*\xff\xff\xff\xff", b"II+\0" + bytes(20)])
def test_a_file_without_a_page_is_refused(data):
    assert is_tiff(BytesIO(data))
    with pytest.raises(ValueError, match="the TIFF has no page"):
        TiffFile(BytesIO(data))
