"""Reader of still images: PNG, JPEG, TIFF, BMP and PGM."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from sonar_debris.frames.frame import DamagedFrame, Frame, frame_or_damaged
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.pixels import MAX_PIXELS, check_shape, to_grey

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "PPM")
_PNG_END = b"IEND\xaeB`\x82"
_OPENCV_LOG, _SILENT = getattr(cv2.utils, "logging", cv2), 0  # OpenCV 4 keeps these functions in cv2 itself
_AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION


def read_image(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
    """Read the one frame of a still image, or the pages of a TIFF one by one; of 8 or 16 bits, grey or colour.

    Args:
        path: the image file; its content, not its suffix, tells the format.
        name: the name that the frames shall bear.
        wanted: which pages.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no image, or not an image that a frame can be made of.
    """
    with path.open("rb") as file, _quiet():
        image = _open(file)
        pages = _count_pages(image)
        chosen = range(*wanted.frames.indices(pages))
        if pages == 1 and chosen:
            check_shape((image.height, image.width))
            pixels = _decode(image, file)
    if pages == 1 and chosen:
        yield Frame(to_grey(pixels), source=path, name=name)
        return
    for index in chosen:
        yield frame_or_damaged(index, partial(_page_frame, path, name, index))


def count_images(path: Path) -> int:
    """1, or the number of pages of a TIFF."""
    with path.open("rb") as file, _quiet():
        return _count_pages(_open(file))


@contextmanager
def _one_error() -> Iterator[None]:
    """Turn whatever a damaged file makes the decoders raise into a ValueError."""
    try:
        yield
    except UnidentifiedImageError:
        raise ValueError("not a PNG, JPEG, TIFF, BMP or PGM image, or its header is damaged") from None
    except Image.DecompressionBombError:
        raise ValueError(f"the image is too large: at most {MAX_PIXELS} pixels") from None
    except Exception as error:
        raise ValueError(f"the image cannot be decoded: {error}") from error


@_one_error()
def _open(file: BinaryIO) -> Image.Image:
    """Read the header only."""
    return Image.open(file, formats=_FORMATS)


@_one_error()
def _count_pages(image: Image.Image) -> int:
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "TIFF":
        raise ValueError(f"the file holds {pages} images where one is expected")
    return pages


def _page_frame(path: Path, name: str, index: int) -> Frame:
    return Frame(to_grey(_read_page(path, index)), source=path, name=name, index=index)


def _read_page(path: Path, index: int) -> np.ndarray:
    """Decode one page of a TIFF, of which the others are not kept in memory."""
    with path.open("rb") as file, _quiet():
        image = _open(file)
        _seek(image, index)
        check_shape((image.height, image.width))
        _, pages = cv2.imreadmulti(str(path), start=index, count=1, flags=_AS_STORED)
    if not pages:
        raise ValueError("the page is damaged, cut off or of an unusual kind")
    return pages[0] if pages[0].ndim == 2 else cv2.cvtColor(pages[0], cv2.COLOR_BGR2RGB)


@_one_error()
def _seek(image: Image.Image, index: int) -> None:
    image.seek(index)


@_one_error()
def _decode(image: Image.Image, file: BinaryIO) -> np.ndarray:
    return _decode_with_opencv(image, file) if image.format in ("PNG", "TIFF") else _decode_with_pillow(image)


def _decode_with_opencv(image: Image.Image, file: BinaryIO) -> np.ndarray:
    """Decode PNG and TIFF, of which Pillow would cut 16-bit colour down to 8 bits."""
    image.verify()  # the checksums of a PNG: here, for libpng would complain on stderr
    file.seek(0)
    data = file.read()
    if image.format == "PNG" and _PNG_END not in data:
        raise ValueError("the file is truncated")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    if pixels is None:
        raise ValueError(f"this {image.format} is damaged, truncated or of an unusual kind")
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _decode_with_pillow(image: Image.Image) -> np.ndarray:
    """Decode BMP, JPEG, of which OpenCV 4 reads truncated files by half, and PGM, whose maximum OpenCV ignores."""
    if image.mode == "I":  # 16-bit PGM
        return np.asarray(image).astype(np.uint16)
    return np.asarray(image if image.mode in ("1", "L") else image.convert("RGB"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the decoders' own messages off stderr, where one line a bad file is enough."""
    level = _OPENCV_LOG.getLogLevel()
    _OPENCV_LOG.setLogLevel(_SILENT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _OPENCV_LOG.setLogLevel(level)
