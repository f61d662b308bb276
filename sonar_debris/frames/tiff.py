"""The pages of TIFF files, each of which is decoded on its own.

Reference:
    TIFF 6.0, Adobe, 1992; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html.
"""

import os
import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

from sonar_debris.frames.pixels import check_shape

# Largest size of an encoded image: pixels of 16-bit colour take less.
MAX_BYTES = 2**30
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLS, _ROWS, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT = (
    *(256, 257, 258, 262, 274, 277, 284, 338, 339),
)
_UNSPECIFIED = 0  # a value of _EXTRA
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _SEPARATED = 0, 1, 5  # values of _PHOTOMETRIC; the last is CMYK
# Tags of the offsets and of the sizes of the strips, or of the tiles.
_STRIPS, _TILES = (273, 279), (324, 325)
# Tags of compression, colour and tiling, without which a page cannot be decoded. All others describe the file.
_DECODER_TAGS = {
    *(_COLS, _ROWS, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT),
    *(259, 266, 278, 292, 293, 317, 320, 322, 323, 332, 347, 529, 530, 531, 532),
}
_SHORT, _LONG, _LONG8 = 3, 4, 16
_INTEGERS = {1: "B", _SHORT: "H", _LONG: "I", _LONG8: "Q"}
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def is_tiff(file: BinaryIO) -> bool:
    """Return whether a file begins as a TIFF or BigTIFF does."""
    file.seek(0)
    return file.read(4) in _STARTS


def decode_with_opencv(data: bytes) -> np.ndarray:
    """Decode an image with one page.

    Args:
        data: the content of the file.

    Returns:
        ``(rows, cols)`` or ``(rows, cols, 3)`` pixels as stored, in the orientation that the file gives; colour is
        RGB.

    Raises:
        ValueError: the image cannot be decoded.
        cv2.error: the image is damaged.
    """
    # With these flags, OpenCV applies the orientation.
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if pixels is None:
        raise ValueError("it is damaged, truncated or of an unusual kind")
    return pixels if pixels.ndim == 2 else pixels[..., 2::-1]


def _decode_with_pillow(data: bytes) -> np.ndarray:
    """Decode a TIFF of up to 8 bits; OpenCV 5 refuses tiles of 8 bits, and confuses tiles of grey and alpha."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(data), formats=("TIFF",)))
    return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB"))


class _Tag(NamedTuple):
    """The value of a tag, in the byte order of its file."""

    type: int
    value_count: int
    value: bytes


class TiffFile:
    """The pages of a TIFF or BigTIFF file.

    A page is decoded from a TIFF in memory that holds this page alone. Damage to other pages, their number and the size
    of the file make no difference then, and separate planes of 16 bits, which OpenCV confuses, are decoded one by one.

    Args:
        file: the file, open for reading.

    Attributes:
        count: number of pages. If the pages after some page cannot be found, they count as one.

    Raises:
        ValueError: the file has no page.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(4)
        self._start = start[:2]
        self._order = "<" if self._start == b"II" else ">"
        is_big = start[2:] in (b"+\0", b"\0+")
        # Layout of a directory: number of tags; tag, type, count, value or its offset; offset of the next directory.
        self._layout = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
        self._pages: list[int] = []
        is_complete = self._find_pages(8 if is_big else 4)
        if not self._pages:
            raise ValueError("the TIFF has no page: it is damaged or truncated")
        self.count = len(self._pages) + (not is_complete)

    def read_page(self, index: int) -> np.ndarray:
        """Return the pixels of a page, ``(rows, cols)`` or ``(rows, cols, 3)``; colour is RGB.

        Raises:
            ValueError: the page is damaged, or cannot be a frame.
            cv2.error: the page is damaged.
        """
        if index >= len(self._pages):
            raise ValueError("this page and those after it cannot be found: the file is truncated or damaged")
        tags = self._read_tags(self._pages[index])
        check_shape((self._integer(tags, _ROWS), self._integer(tags, _COLS)))
        samples, is_deep = self._integer(tags, _SAMPLES, 1), self._integer(tags, _BITS, 1) > 8
        is_planar, is_tiled = self._integer(tags, _PLANAR, 1) == 2, _TILES[0] in tags
        if is_planar and samples > 1 and (is_deep or samples == 2):
            pixels = self._read_planes(tags, samples)
        elif not is_deep and (is_tiled or samples == 2):
            pixels = _decode_with_pillow(self._extract_page(tags))
        elif samples == 2 and is_tiled:
            raise ValueError("it has tiles of grey and alpha with more than 8 bits, which cannot be read")
        else:
            pixels = decode_with_opencv(self._extract_page(tags))
        is_inverted = self._integer(tags, _PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO
        # OpenCV inverts pixels of up to 8 bits whose 0 is white, but no others.
        if is_inverted and pixels.dtype.kind == "u" and pixels.dtype.itemsize > 1:
            pixels = np.iinfo(pixels.dtype).max - pixels
        return pixels

    def _read_planes(self, tags: Mapping[int, _Tag], planes: int) -> np.ndarray:
        if self._integer(tags, _PHOTOMETRIC, _BLACK_IS_ZERO) == _SEPARATED:
            raise ValueError("it is CMYK in separate planes of 16 bits, which cannot be read")
        colours = 3 if planes >= 3 else 1  # the planes after those of the colours are alpha
        pixels = [decode_with_opencv(self._extract_plane(tags, k, planes)) for k in range(colours)]
        return np.stack(pixels, axis=-1) if colours > 1 else pixels[0]

    def _find_pages(self, position: int) -> bool:
        """Find the directories of the pages; return whether the last one says that it is the last."""
        count_format, tag_format, offset_format = self._layout
        known: set[int] = set()
        try:
            (offset,) = self._unpack(position, offset_format)
            while offset:
                (tag_count,) = self._unpack(offset, count_format)
                end = offset + self._size_of(count_format) + tag_count * self._size_of(tag_format)
                (next_offset,) = self._unpack(end, offset_format)
                if offset in known:
                    return False
                known.add(offset)
                self._pages.append(offset)
                offset = next_offset
        except ValueError:
            return False
        return True

    def _read_tags(self, offset: int) -> dict[int, _Tag]:
        """Return the tags of a page that the decoder needs."""
        count_format, tag_format, offset_format = self._layout
        (tag_count,) = self._unpack(offset, count_format)
        tags: dict[int, _Tag] = {}
        for index in range(min(tag_count, 2**16)):
            position = offset + self._size_of(count_format) + index * self._size_of(tag_format)
            tag, type_code, count, inline = self._unpack(position, tag_format)
            if tag not in (*_DECODER_TAGS, *_STRIPS, *_TILES) or type_code not in _TYPE_SIZES:
                continue
            size = count * _TYPE_SIZES[type_code]
            is_inline = size <= len(inline)
            if is_inline:
                value = inline[:size]
            else:
                (value_offset,) = struct.unpack(self._order + offset_format, inline)
                value = self._read(value_offset, size)
            tags[tag] = _Tag(type_code, count, value)
        return tags

    def _extract_page(self, tags: Mapping[int, _Tag]) -> bytes:
        """Return a page as a TIFF of its own."""
        decoder_tags = {tag: value for tag, value in tags.items() if tag in _DECODER_TAGS}
        if self._integer(tags, _ORIENTATION, 1) not in range(1, 9):
            del decoder_tags[_ORIENTATION]
        if self._integer(tags, _EXTRA, 0):
            # Decoders multiply colours with the alpha, or divide them by it, unless they do not know that it is one.
            decoder_tags[_EXTRA] = self._shorts([_UNSPECIFIED] * tags[_EXTRA].value_count)
        offset_tag, size_tag = _TILES if _TILES[0] in tags else _STRIPS
        offsets, sizes = self._integers(tags, offset_tag), self._integers(tags, size_tag)
        # Hostile strips may overlap: together they would be larger than the file.
        if len(offsets) != len(sizes) or sum(sizes) > min(self._size, MAX_BYTES):
            raise ValueError("the page is damaged: its table of strips is wrong")
        strips = [self._read(offset, size) for offset, size in zip(offsets, sizes, strict=True)]
        return self._encode(decoder_tags, offset_tag, size_tag, strips)

    def _extract_plane(self, tags: Mapping[int, _Tag], plane: int, planes: int) -> bytes:
        """Return one of the planes of a page as a grey TIFF of its own."""
        grey = {tag: value for tag, value in tags.items() if tag not in (_PLANAR, _EXTRA)}
        grey |= {_SAMPLES: self._shorts([1]), _PHOTOMETRIC: self._shorts([_BLACK_IS_ZERO])}
        grey |= {tag: self._part(tags[tag], 0, 1) for tag in (_BITS, _SAMPLE_FORMAT) if tag in tags}
        for tag in (*_STRIPS, *_TILES):
            if tag in tags:
                per_plane = tags[tag].value_count // planes
                grey[tag] = self._part(tags[tag], plane * per_plane, per_plane)
        return self._extract_page(grey)

    def _encode(self, tags: Mapping[int, _Tag], offset_tag: int, size_tag: int, strips: Sequence[bytes]) -> bytes:
        """Return a TIFF with one page, in the byte order of the file."""
        sizes = [len(strip) for strip in strips]
        entries = {tag: self._to_long(value) if value.type == _LONG8 else value for tag, value in tags.items()}
        entries |= {offset_tag: self._longs([0] * len(strips)), size_tag: self._longs(sizes)}
        # Values that do not fit into their entry follow the directory; the strips follow them.
        begin = 8 + 2 + 12 * len(entries) + 4
        first_strip = begin + sum(len(tag.value) for tag in entries.values() if len(tag.value) > 4)
        entries[offset_tag] = self._longs([first_strip + sum(sizes[:k]) for k in range(len(sizes))])
        directory, values = b"", b""
        for tag, (type_code, count, value) in sorted(entries.items()):
            if len(value) > 4:
                position = begin + len(values)
                values += value
                value = struct.pack(self._order + "I", position)
            directory += struct.pack(self._order + "HHI4s", tag, type_code, count, value)
        header = self._start + struct.pack(self._order + "HIH", 42, 8, len(entries))
        return b"".join([header, directory, bytes(4), values, *strips])

    def _integer(self, tags: Mapping[int, _Tag], tag: int, default: int | None = None) -> int:
        """Return the first integer of a tag; the default if the page lacks the tag."""
        if tag not in tags and default is not None:
            return default
        values = self._integers(tags, tag)
        if not values:
            raise ValueError(f"the page is damaged: its tag {tag} is empty")
        return values[0]

    def _integers(self, tags: Mapping[int, _Tag], tag: int) -> tuple[int, ...]:
        if tag not in tags or tags[tag].type not in _INTEGERS:
            raise ValueError(f"the page is damaged: it lacks tag {tag}")
        type_code, count, value = tags[tag]
        return struct.unpack(f"{self._order}{count}{_INTEGERS[type_code]}", value)

    def _part(self, tag: _Tag, first: int, count: int) -> _Tag:
        size = _TYPE_SIZES[tag.type]
        return _Tag(tag.type, count, tag.value[first * size : (first + count) * size])

    def _to_long(self, tag: _Tag) -> _Tag:
        return self._longs(struct.unpack(f"{self._order}{tag.value_count}Q", tag.value))

    def _longs(self, values: Sequence[int]) -> _Tag:
        return _Tag(_LONG, len(values), struct.pack(f"{self._order}{len(values)}I", *values))

    def _shorts(self, values: Sequence[int]) -> _Tag:
        return _Tag(_SHORT, len(values), struct.pack(f"{self._order}{len(values)}H", *values))

    def _size_of(self, layout: str) -> int:
        return struct.calcsize(self._order + layout)

    def _unpack(self, offset: int, layout: str) -> tuple[Any, ...]:
        return struct.unpack(self._order + layout, self._read(offset, self._size_of(layout)))

    def _read(self, offset: int, size: int) -> bytes:
        """Return a part of the file; raise a ValueError if it lies beyond the end of the file."""
        if offset + size > self._size:
            raise ValueError("the page is damaged or truncated")
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) < size:
            raise ValueError("the page is truncated")
        return data
