"""Reader of still images: PNG, JPEG, TIFF, BMP and PGM."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from sonar_debris.frames.frame import RawFrame, ReaderItem, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.pixels import MAX_PIXELS, check_shape, silent_opencv, to_grey

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM")
_PNG_END = b"IEND\xaeB`\x82"
_AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION

# Pillow unpacks 64-bit floats, but does not recognise a TIFF of them: SampleFormat 3 is float, PhotometricInterpretation
# 0 and 1 are grey.
for _byte_order, _raw_mode in ((b"II", "F;64F"), (b"MM", "F;64BF")):
    for _photometric in (0, 1):
        TiffImagePlugin.OPEN_INFO.setdefault((_byte_order, _photometric, (3,), 1, (64,), ()), ("F", _raw_mode))


def read_image(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read a still image, or the pages of a TIFF one by one; 8 or 16 bits, grey or colour.

    Args:
        path: the image file; its content determines the format, not its suffix.
        selection: the pages to read.

    Yields:
        The frame, or the page frames with a `DamagedFrame` for each page that cannot be read.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, not an image, or not an image that can be a frame.
    """
    pixels = None
    with path.open("rb") as file, _silent_decoders():
        image = _read_header(file)
        pages = _count_pages(image)
        indices = selection.indices(pages)
        if pages == 1 and indices:
            pixels = _decode(image, file)
    if pixels is not None:
        yield RawFrame(to_grey(pixels))
        return
    for index in indices:
        yield frame_or_damaged(index, partial(_read_page_frame, path, index))


def count_images(path: Path) -> int:
    """Return the number of pages of a TIFF, and 1 for other images."""
    with path.open("rb") as file, _silent_decoders():
        return _count_pages(_read_header(file))


def decode_image(file: BinaryIO) -> np.ndarray:
    """Decode an image with one page.

    Returns:
        The pixels as stored: ``(rows, cols)`` or ``(rows, cols, channels)``; colour is RGB.

    Raises:
        ValueError: the file is damaged, not an image, or not an image that can be a frame.
    """
    with _silent_decoders():
        return _decode(_read_header(file), file)


@contextmanager
def _single_error_type() -> Iterator[None]:
    """Turn every error that a damaged file makes the decoders raise into a ValueError."""
    try:
        yield
    except UnidentifiedImageError:
        raise ValueError("not a PNG, JPEG, TIFF, BMP or PGM image, or its header is damaged") from None
    except Image.DecompressionBombError:
        raise ValueError(f"the image is too large: at most {MAX_PIXELS} pixels") from None
    except Exception as error:
        raise ValueError(f"the image cannot be decoded: {error}") from error


@contextmanager
def _silent_decoders() -> Iterator[None]:
    """Keep messages of OpenCV and Pillow off stderr: the reader reports a damaged file in one line."""
    with silent_opencv(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_single_error_type()
def _read_header(file: BinaryIO) -> Image.Image:
    """Return the image; its pixels are not decoded yet."""
    return Image.open(file, formats=_FORMATS)


@_single_error_type()
def _count_pages(image: Image.Image) -> int:
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "TIFF":
        raise ValueError(f"the file holds {pages} images where one is expected")
    return pages


def _read_page_frame(path: Path, index: int) -> RawFrame:
    return RawFrame(to_grey(_read_page(path, index)), index)


def _read_page(path: Path, index: int) -> np.ndarray:
    """Return the pixels of one page of a TIFF; the other pages are not kept in memory."""
    with path.open("rb") as file, _silent_decoders():
        image = _read_header(file)
        _seek_page(image, index)
        check_shape((image.height, image.width))
        _, pages = cv2.imreadmulti(str(path), start=index, count=1, flags=_AS_STORED)
    if not pages:
        raise ValueError("the page is damaged, truncated or of an unusual kind")
    return _to_rgb(pages[0])


@_single_error_type()
def _seek_page(image: Image.Image, index: int) -> None:
    image.seek(index)


def _decode(image: Image.Image, file: BinaryIO) -> np.ndarray:
    check_shape((image.height, image.width))
    return _decode_pixels(image, file)


@_single_error_type()
def _decode_pixels(image: Image.Image, file: BinaryIO) -> np.ndarray:
    return _decode_with_opencv(image, file) if image.format in ("PNG", "TIFF") else _decode_with_pillow(image)


def _decode_with_opencv(image: Image.Image, file: BinaryIO) -> np.ndarray:
    """Decode PNG and TIFF; Pillow would reduce 16-bit colour to 8 bits."""
    image.verify()  # checks the checksums of a PNG: libpng would print its complaints to stderr
    file.seek(0)
    data = file.read()
    if image.format == "PNG" and _PNG_END not in data:
        raise ValueError("the file is truncated")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    if pixels is None:
        raise ValueError(f"this {image.format} is damaged, truncated or of an unusual kind")
    return _to_rgb(pixels)


def _decode_with_pillow(image: Image.Image) -> np.ndarray:
    """Decode BMP, JPEG and PGM.

    OpenCV 4 would return the first part of a truncated JPEG, and ignores the maximum in the header of a PGM.
    """
    if image.mode == "I":  # 16-bit PGM
        return np.asarray(image).astype(np.uint16)
    return np.asarray(image if image.mode in ("1", "L") else image.convert("RGB"))


def _to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Return OpenCV's pixels with colour as RGB; grey stays grey."""
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
