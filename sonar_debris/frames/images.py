"""Reader of still images: PNG, JPEG, TIFF with one or more pages, BMP and PGM.

Images are read as a viewer shows them: the orientation that Exif or TIFF gives is applied.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from sonar_debris.frames.frame import ALL_FRAMES, FrameSelection, RawFrame, ReaderItem, frame_or_damaged
from sonar_debris.frames.pixels import MAX_PIXELS, check_shape, silent_opencv, to_grey
from sonar_debris.frames.tiff import MAX_BYTES, TiffFile, decode_with_opencv, is_tiff

_FORMATS = ("PNG", "JPEG", "BMP", "PPM")
_PNG_END = b"IEND\xaeB`\x82"
_EXIF_ORIENTATION = 0x0112
# Position of bit depth and colour type in a PNG.
_PNG_TYPE = slice(24, 26)


def read_image(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read a still image, or the pages of a TIFF one by one; 8 or 16 bits or float, grey or colour.

    Args:
        path: the image file; its content determines the format, not its suffix.
        selection: the pages to read.

    Yields:
        The frame, or the page frames with a `DamagedFrame` for each page that cannot be read.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, not an image, or not an image that can be a frame.
    """
    with path.open("rb") as file:
        count = _count_pages(file)
        for index in selection.indices(count):
            if count == 1:
                yield RawFrame(to_grey(decode_image(file)))
            else:
                yield frame_or_damaged(index, partial(_read_page_frame, TiffFile(file), index))


def count_images(path: Path) -> int:
    """Return the number of pages of a TIFF, and 1 for other images."""
    with path.open("rb") as file:
        return _count_pages(file)


def decode_image(file: BinaryIO) -> np.ndarray:
    """Decode a file with a single image.

    Args:
        file: the content, open for reading.

    Returns:
        ``(rows, cols)`` or ``(rows, cols, 3)`` pixels as stored; colour is RGB.

    Raises:
        ValueError: the content is damaged, or not a single image that can be a frame.
    """
    with _decoding():
        if is_tiff(file):
            return TiffFile(file).read_page(0)
        image = _read_header(file)
        _check_single(image)
        check_shape((image.height, image.width))
        return _decode_png(image, file) if image.format == "PNG" else _decode_with_pillow(image)


def _count_pages(file: BinaryIO) -> int:
    with _decoding():
        return TiffFile(file).count if is_tiff(file) else _check_single(_read_header(file))


def _read_page_frame(tiff: TiffFile, index: int) -> RawFrame:
    with _decoding():
        pixels = tiff.read_page(index)
    return RawFrame(to_grey(pixels), index)


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn every error that a damaged file causes into a ValueError; keep the decoders' messages off stderr."""
    try:
        with silent_opencv(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError:
        raise ValueError("not a PNG, JPEG, TIFF, BMP or PGM image, or its header is damaged") from None
    except Image.DecompressionBombError:
        raise ValueError(f"the image is too large: at most {MAX_PIXELS} pixels") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error of the file system; those of Pillow have no number
        raise ValueError(f"the image cannot be decoded: {error}") from error


def _read_header(file: BinaryIO) -> Image.Image:
    """Return the image; its pixels are not decoded yet."""
    file.seek(0)
    return Image.open(file, formats=_FORMATS)


def _check_single(image: Image.Image) -> int:
    """Return the number of images in a file; raise a ValueError if it is not 1."""
    count = int(getattr(image, "n_frames", 1))
    if count != 1:
        raise ValueError(f"the file holds {count} images where one is expected")
    return count


def _decode_png(image: Image.Image, file: BinaryIO) -> np.ndarray:
    """Decode a PNG with Pillow, which reports damage; OpenCV would print it."""
    image.verify()  # checks the checksums
    file.seek(0)
    data = file.read(MAX_BYTES)
    if _PNG_END not in data:
        raise ValueError("the file is truncated")
    pixels = _decode_with_pillow(Image.open(BytesIO(data), formats=("PNG",)))
    depth, colour_type = data[_PNG_TYPE]
    # Pillow reduces 16-bit colour to 8 bits.
    return decode_with_opencv(data) if depth == 16 and colour_type != 0 else pixels


def _decode_with_pillow(image: Image.Image) -> np.ndarray:
    """Decode BMP, JPEG, PGM and PNG.

    OpenCV 4 would return the first part of a truncated JPEG, and ignores the maximum in the header of a PGM.
    """
    image.load()
    if image.mode.startswith("I"):  # 16-bit grey
        pixels = np.asarray(image).astype(np.uint16)
    else:
        pixels = np.asarray(image if image.mode in ("1", "L") else image.convert("RGB"))
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Exif may be damaged in many ways, and the pixels do not depend on it
        orientation = 1
    return _turn(pixels, orientation)


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels as they are displayed; an orientation that Exif does not define changes nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
