import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from sonar_debris.frames.frame import DamagedFrame
from sonar_debris.frames.images import read_image

GREY_8 = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
GREY_16 = np.arange(0, 48000, 2000, dtype=np.uint16).reshape(4, 6)


def read(path):
    (frame,) = read_image(path)
    return frame


def write(path, pixels):
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1])
    return path


def write_pillow(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".pgm"])
def test_8_bit_grey_is_divided_by_255(tmp_path, suffix):
    frame = read(write(tmp_path / f"ping{suffix}", GREY_8))
    assert frame.image.dtype == np.float32
    np.testing.assert_array_equal(frame.image, np.float32(GREY_8) / np.float32(255))
    assert (frame.index, frame.time, frame.geometry, frame.navigation) == (0, None, None, None)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_16_bit_grey_is_divided_by_65535(tmp_path, suffix):
    frame = read(write(tmp_path / f"ping{suffix}", GREY_16))
    np.testing.assert_array_equal(frame.image, np.float32(GREY_16) / np.float32(65535))


def test_jpeg_is_read_within_its_losses(tmp_path):
    frame = read(write(tmp_path / "ping.jpg", GREY_8))
    np.testing.assert_allclose(frame.image, GREY_8 / 255, atol=0.02)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_grey_data_stored_as_colour_is_exact(tmp_path, suffix, channels):
    colour = np.repeat(GREY_8[..., None], channels, axis=2)
    colour[..., 3:] = 9  # alpha
    np.testing.assert_array_equal(read(write(tmp_path / f"ping{suffix}", colour)).image, np.float32(GREY_8) / 255)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_keeps_its_low_bits(tmp_path, suffix, channels):
    colour = np.repeat(np.array([[1, 257, 65534]], np.uint16)[..., None], channels, axis=2)
    frame = read(write(tmp_path / f"ping{suffix}", colour))
    np.testing.assert_array_equal(frame.image, np.float32([[1, 257, 65534]]) / np.float32(65535))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_channels_are_not_swapped(tmp_path, suffix):
    red, blue = (0, 0, 255), (255, 0, 0)  # as BGR
    frame = read(write(tmp_path / f"ping{suffix}", np.array([[red, blue]], np.uint8)))
    np.testing.assert_allclose(frame.image, [[0.299, 0.114]], atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("P", ".png"), ("P", ".bmp"), ("P", ".tif"), ("LA", ".png"), ("RGBA", ".png"), ("RGB", ".tif")],
)
def test_palettes_and_alpha_give_the_same_grey(tmp_path, mode, suffix):
    path = write_pillow(tmp_path / f"ping{suffix}", Image.fromarray(GREY_8).convert(mode))
    np.testing.assert_array_equal(read(path).image, np.float32(GREY_8) / 255)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_one_bit_pixels_are_0_and_1(tmp_path, suffix):
    path = write_pillow(tmp_path / f"mask{suffix}", Image.fromarray(GREY_8 > 100))
    np.testing.assert_array_equal(read(path).image, GREY_8 > 100)


def test_a_pgm_is_scaled_by_the_maximum_in_its_header(tmp_path):
    path = tmp_path / "12-bit.pgm"
    path.write_bytes(b"P5\n3 1\n4095\n" + np.array([0, 1024, 4095], ">u2").tobytes())
    np.testing.assert_allclose(read(path).image, [[0, 1024 / 4095, 1]], atol=1 / 65535)


def test_float_tiff_keeps_its_values(tmp_path):
    frame = read(write(tmp_path / "ping.tif", np.array([[0.0, 0.25, 7.0]], np.float32)))
    np.testing.assert_array_equal(frame.image, np.float32([[0, 0.25, 7]]))


def test_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise for display
    path = write_pillow(tmp_path / "ping.png", Image.fromarray(GREY_8), exif=exif)
    np.testing.assert_array_equal(read(path).image, np.float32(np.rot90(GREY_8, -1)) / 255)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".pgm"])
def test_a_truncated_image_is_never_read_in_part(tmp_path, suffix, capfd):
    pixels = np.random.default_rng(7).integers(0, 256, (16, 16), np.uint8)
    path = write(tmp_path / f"ping{suffix}", pixels)
    data, image, refused = path.read_bytes(), read(path).image, 0
    for size in range(1, len(data)):
        path.write_bytes(data[:size])
        try:
            np.testing.assert_array_equal(read(path).image, image)  # only the trailer is missing
        except ValueError:
            refused += 1
    assert refused > 0.8 * len(data)
    assert capfd.readouterr().err == ""


def test_every_truncation_of_a_png_is_refused(tmp_path):
    data = write(tmp_path / "ping.png", GREY_16).read_bytes()
    for size in range(1, len(data)):
        (tmp_path / "ping.png").write_bytes(data[:size])
        with pytest.raises(ValueError, match="image"):
            read(tmp_path / "ping.png")


def png_header(rows, cols):
    """Return a PNG with a header and no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b""), b"IEND"]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def animated_png():
    """Return a PNG with two images."""
    file = BytesIO()
    Image.fromarray(GREY_8).save(file, "PNG", save_all=True, append_images=[Image.fromarray(255 - GREY_8)])
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"these are no pixels", "not a PNG, JPEG, TIFF, BMP or PGM image"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "not a PNG"),
        (png_header(9000, 9000), "too large: at most 67108864 pixels"),
        (png_header(10**5, 10**5), "too large: at most 67108864 pixels"),
        (b"P5\n100000 100000\n255\n", "too large"),
        (png_header(4, 4), "cannot be decoded"),
        (animated_png(), "holds 2 images"),
    ],
    ids=["text", "gif", "large", "bomb", "pgm-bomb", "no-pixels", "pages"],
)
def test_a_file_that_is_not_a_single_image_is_refused(tmp_path, data, reason):
    path = tmp_path / "ping.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read(path)


def test_opencv_messages_are_silenced_only_during_reading(tmp_path, capfd):
    (tmp_path / "ping.tif").write_bytes(cv2.imencode(".tif", GREY_8)[1].tobytes()[:-20])
    with pytest.raises(ValueError):
        read(tmp_path / "ping.tif")
    assert capfd.readouterr().err == ""
    cv2.imread(str(tmp_path / "missing.png"))
    assert "missing.png" in capfd.readouterr().err


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pages_of_a_tiff_are_frames(tmp_path, dtype):
    top = np.iinfo(dtype).max
    pages = [np.full((4, 5), value * top // 4, dtype) for value in range(1, 4)]
    assert cv2.imwritemulti(str(tmp_path / "dive.tif"), pages)

    frames = list(read_image(tmp_path / "dive.tif"))

    assert [frame.index for frame in frames] == [0, 1, 2]
    np.testing.assert_allclose([frame.image.mean() for frame in frames], [0.25, 0.5, 0.75], atol=0.01)


def test_pages_before_a_damaged_page_are_read(tmp_path):
    path = tmp_path / "dive.tif"
    cv2.imwritemulti(str(path), [np.full((40, 50), value, np.uint8) for value in (1, 2, 3)])
    path.write_bytes(path.read_bytes()[:-40])

    *intact, last = read_image(path)

    assert len(intact) == 2 and isinstance(last, DamagedFrame) and last.index == 2


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_images_are_read_as_they_are_displayed(tmp_path, suffix, orientation):
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:8, :16] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write_pillow(tmp_path / f"ping{suffix}", Image.fromarray(pixels), exif=exif)

    image = Image.open(BytesIO(path.read_bytes()))  # Pillow 13 confuses rows of a turned TIFF that it opens by its path
    image.load()
    displayed = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_allclose(read(path).image, displayed / 255, atol=0.02)


def test_damaged_exif_is_ignored(tmp_path):
    path = write_pillow(tmp_path / "ping.jpg", Image.fromarray(GREY_8), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert read(path).image.shape == GREY_8.shape


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", ".jpg"), ("CMYK", ".tif"), ("YCbCr", ".tif"), ("PA", ".tif")])
def test_colours_of_other_spaces_have_their_luma(tmp_path, mode, suffix):
    colours = np.full((16, 16, 3), (150, 75, 50), np.uint8)
    image = Image.fromarray(colours).convert(mode)
    luma = np.asarray(image.convert("RGB").convert("L")) / 255

    np.testing.assert_allclose(read(write_pillow(tmp_path / f"ping{suffix}", image)).image, luma, atol=0.02)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK"])
def test_compressed_tiff_is_read_as_it_was_written(tmp_path, mode, compression):
    grey = np.random.default_rng(0).integers(0, 256, (15, 17), np.uint8)
    image = Image.fromarray(grey).convert("RGB").convert(mode)

    frame = read(write_pillow(tmp_path / "ping.tif", image, compression=compression))

    np.testing.assert_allclose(frame.image, np.asarray(image.convert("RGB"))[..., 1] / 255, atol=0.002)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_damaged_compressed_page_is_not_read_as_black(tmp_path, dtype, capfd):
    pages = [np.random.default_rng(number).integers(0, 200, (64, 64)).astype(dtype) for number in range(3)]
    assert cv2.imwritemulti(str(tmp_path / "dive.tif"), pages, [cv2.IMWRITE_TIFF_COMPRESSION, 8])
    data = bytearray((tmp_path / "dive.tif").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 60] = bytes(60)
    (tmp_path / "dive.tif").write_bytes(data)

    first, second, third = read_image(tmp_path / "dive.tif")

    assert isinstance(second, DamagedFrame) and (first.index, third.index) == (0, 2)
    assert capfd.readouterr().err == ""


def test_pages_of_a_file_whose_name_is_not_utf8_are_read(tmp_path):
    path = tmp_path / "a\udcff.tif"
    cv2.imwritemulti(str(tmp_path / "dive.tif"), [GREY_8, GREY_8])
    (tmp_path / "dive.tif").rename(path)
    assert [frame.index for frame in read_image(path)] == [0, 1]
