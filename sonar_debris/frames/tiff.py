"""The pages of TIFF files, each of which is decoded on its own.

Reference:
    TIFF 6.0, Adobe, 1992; BigTIFF, https://www.awaresystems.be/imaging/tiff/bigtiff.html.
"""

import os
import struct
import zlib
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
_COLS, _ROWS, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR = 256, 257, 258, 262, 274, 277, 284
_COMPRESSION, _FILL_ORDER, _STRIP_ROWS, _PREDICTOR, _TILE_COLS, _TILE_ROWS = 259, 266, 278, 317, 322, 323
_EXTRA, _SAMPLE_FORMAT = 338, 339
# Tags of the offsets and of the sizes of the strips, or of the tiles.
_STRIPS, _TILES = (273, 279), (324, 325)
# Tags of size, compression, colour and tiling, without which a page cannot be decoded. All others describe the file.
_DECODER_TAGS = {
    *(_COLS, _ROWS, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _PLANAR, _COMPRESSION, _FILL_ORDER),
    *(_STRIP_ROWS, _PREDICTOR, _TILE_COLS, _TILE_ROWS, _EXTRA, _SAMPLE_FORMAT),
    *(292, 293, 320, 332, 347, 529, 530, 531, 532),
}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _SEPARATED = 0, 1, 5  # values of _PHOTOMETRIC; the last is CMYK
_UNSPECIFIED, _UNSIGNED = 0, 1  # values of _EXTRA and _SAMPLE_FORMAT
_NOT_COMPRESSED, _DEFLATE, _PACKED_BYTES = 1, (8, 32946), (5, 32773)  # values of _COMPRESSION; the last: LZW, PackBits
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
    """Decode a TIFF of up to 8 bits, of which OpenCV reads damaged parts as black, and refuses some tiles."""
    stored = Image.open(BytesIO(data), formats=("TIFF",))
    stored.load()
    image = ImageOps.exif_transpose(stored)
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
        samples, is_planar = self._integer(tags, _SAMPLES, 1), self._integer(tags, _PLANAR, 1) == 2
        bits, photometric = self._integer(tags, _BITS, 1), self._integer(tags, _PHOTOMETRIC)
        if is_planar and samples > 1 and (samples != 3 or self._is_deep(tags)) and photometric != _SEPARATED:
            pixels = self._read_planes(tags, samples)
        elif self._is_deep(tags) and (samples == 2 or (samples == 4 and bits > 16)):
            pixels = self._read_with_alpha(tags, samples)
        else:
            pixels = self._decode(tags)
        # Pillow inverts pixels whose 0 is white, OpenCV does not.
        if photometric == _WHITE_IS_ZERO and self._is_deep(tags) and pixels.dtype.kind == "u":
            pixels = np.iinfo(pixels.dtype).max - pixels
        return pixels

    def _is_deep(self, tags: Mapping[int, _Tag]) -> bool:
        """Return whether the pixels are others than unsigned integers of up to 8 bits."""
        return self._integer(tags, _BITS, 1) > 8 or self._integer(tags, _SAMPLE_FORMAT, _UNSIGNED) != _UNSIGNED

    def _decode(self, tags: Mapping[int, _Tag]) -> np.ndarray:
        data = self._extract_page(tags)
        return decode_with_opencv(data) if self._is_deep(tags) else _decode_with_pillow(data)

    def _read_planes(self, tags: Mapping[int, _Tag], planes: int) -> np.ndarray:
        colours = 3 if planes >= 3 else 1  # the planes after those of the colours are alpha
        pixels = [self._decode(self._select_plane(tags, k, planes)) for k in range(colours)]
        return np.stack(pixels, axis=-1) if colours > 1 else pixels[0]

    def _read_with_alpha(self, tags: Mapping[int, _Tag], samples: int) -> np.ndarray:
        """Return the colours of pixels with alpha and more than 8 bits, most of which OpenCV refuses or rounds.

        The samples of a row are decoded as if each of them was a pixel.
        """
        if self._integer(tags, _PREDICTOR, 1) != 1 or self._integer(tags, _ORIENTATION, 1) not in (0, 1):
            raise ValueError("it has alpha, a predictor or orientation, and more than 8 bits, which cannot be read")
        cols = self._integer(tags, _COLS)
        wide = self._to_grey(tags) | {_COLS: self._longs([cols * samples])}
        if _TILE_COLS in tags:
            wide[_TILE_COLS] = self._longs([self._integer(tags, _TILE_COLS) * samples])
        pixels = self._decode(wide)
        return pixels[:, ::2] if samples == 2 else pixels.reshape(len(pixels), cols, samples)[..., :3]

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
        decoder_tags, strips = self._decompress(decoder_tags, strips)
        return self._encode(decoder_tags, offset_tag, size_tag, strips)

    def _decompress(self, tags: dict[int, _Tag], strips: list[bytes]) -> tuple[dict[int, _Tag], list[bytes]]:
        """Decompress strips for Pillow, whose decompressor would print what is wrong with damaged ones.

        Strips of other compressions than deflate, LZW and PackBits, and strips of an odd number of bytes that are not
        deflated, are returned as they are. So are those of more than 8 bits, but the checksums of deflate are verified,
        which OpenCV does not do.
        """
        compression, is_tiled = self._integer(tags, _COMPRESSION, _NOT_COMPRESSED), _TILE_COLS in tags
        is_planar = self._integer(tags, _PLANAR, 1) == 2
        samples = 1 if is_planar else self._integer(tags, _SAMPLES, 1)
        rows, cols = self._integer(tags, _ROWS), self._integer(tags, _TILE_COLS if is_tiled else _COLS)
        strip_rows = self._integer(tags, _TILE_ROWS) if is_tiled else min(rows, self._integer(tags, _STRIP_ROWS, rows))
        check_shape((strip_rows, cols))
        row_bytes = (cols * samples * self._integer(tags, _BITS, 1) + 7) // 8
        has_predictor = self._integer(tags, _PREDICTOR, 1) == 2
        decompressed = []
        for number, strip in enumerate(strips):
            first_row = 0 if is_tiled else number * strip_rows % (-(-rows // strip_rows) * strip_rows)
            shape = min(strip_rows, rows - first_row) if not is_tiled else strip_rows, row_bytes
            size = shape[0] * shape[1]
            if compression in _DEFLATE:
                full_size = strip_rows * row_bytes  # the last strip may be padded
                # Without a limit at the last byte, zlib verifies the checksum behind it.
                data = zlib.decompressobj().decompress(strip, full_size + 1)
                if not size <= len(data) <= full_size:
                    raise ValueError("the page is damaged: a strip has another size than its pixels")
            elif compression in _PACKED_BYTES and not self._is_deep(tags) and size % 2 == 0:
                data = self._unpack_bytes(tags, strip, shape)
            else:
                return tags, strips
            pixels = np.frombuffer(data, np.uint8, size).reshape(shape)
            if has_predictor and not self._is_deep(tags):
                pixels = pixels.reshape(shape[0], -1, samples).cumsum(axis=1, dtype=np.uint8)
            decompressed.append(pixels.tobytes())
        if self._is_deep(tags):
            return tags, strips
        tags = {tag: value for tag, value in tags.items() if tag != _PREDICTOR}
        return tags | {_COMPRESSION: self._shorts([_NOT_COMPRESSED])}, decompressed

    def _unpack_bytes(self, tags: Mapping[int, _Tag], strip: bytes, shape: tuple[int, int]) -> bytes:
        """Decompress a strip with OpenCV, as pixels of 16 bits: only of these it reports damage."""
        rows, row_bytes = shape
        words = {_ROWS: rows, _COLS: row_bytes // 2} if row_bytes % 2 == 0 else {_ROWS: rows // 2, _COLS: row_bytes}
        page = {_COMPRESSION: tags[_COMPRESSION]} | {tag: self._longs([value]) for tag, value in words.items()}
        page |= {_BITS: self._shorts([16]), _SAMPLES: self._shorts([1]), _PHOTOMETRIC: self._shorts([_BLACK_IS_ZERO])}
        if _FILL_ORDER in tags:
            page[_FILL_ORDER] = tags[_FILL_ORDER]
        pixels = decode_with_opencv(self._encode(page | {_STRIP_ROWS: page[_ROWS]}, *_STRIPS, [strip]))
        return pixels.astype(self._order + "u2").tobytes()

    def _select_plane(self, tags: Mapping[int, _Tag], plane: int, planes: int) -> dict[int, _Tag]:
        """Return the tags of one of the planes of a page, as a grey page."""
        grey = self._to_grey(tags)
        for tag in (*_STRIPS, *_TILES):
            if tag in tags:
                per_plane = tags[tag].value_count // planes
                grey[tag] = self._part(tags[tag], plane * per_plane, per_plane)
        return grey

    def _to_grey(self, tags: Mapping[int, _Tag]) -> dict[int, _Tag]:
        """Return the tags of a page with one sample per pixel."""
        grey = {tag: value for tag, value in tags.items() if tag not in (_PLANAR, _EXTRA)}
        grey |= {_SAMPLES: self._shorts([1]), _PHOTOMETRIC: self._shorts([_BLACK_IS_ZERO])}
        return grey | {tag: self._part(tags[tag], 0, 1) for tag in (_BITS, _SAMPLE_FORMAT) if tag in tags}

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
