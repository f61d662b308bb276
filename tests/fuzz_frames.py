"""Fuzz targets for the readers of frames, and random changes of bytes; `tests/fuzz.py` runs them."""

import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = ("aris", "bmp", "jpg", "npy", "npz", "pgm", "png", "tif")
MAX_FRAMES = 50
# Numbers that break sizes, counts and offsets.
HOSTILE_NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def make_seeds(suffix: str) -> list[bytes]:
    """Return the content of small intact files of a format."""
    from sonar_debris.frames.aris_format import write_aris

    echoes = np.arange(20 * 48, dtype=np.uint8).reshape(20, 48)
    colour, deep = np.dstack([echoes, echoes // 2, echoes // 3]), echoes.astype(np.uint16) * 250
    if suffix == "aris":
        fields = {"sound_speed": 1500, "sample_period": 10, "sample_start_delay": 1000, "heading": 30.0}
        with tempfile.TemporaryDirectory() as folder:
            write_aris(Path(folder, "seed.aris"), [(echoes, fields)] * 3)
            return [Path(folder, "seed.aris").read_bytes()]
    if suffix == "npy":
        arrays = (echoes, deep, np.stack([echoes] * 3), np.float64(colour), np.asfortranarray(echoes))
        return [_save(np.save, array) for array in arrays]
    if suffix == "npz":
        return [_save(save, echoes, np.stack([deep] * 3)) for save in (np.savez, np.savez_compressed)]
    images = (
        [echoes, colour] if suffix in ("jpg", "bmp") else [echoes, deep] if suffix == "pgm" else [echoes, colour, deep]
    )
    seeds = [np.asarray(cv2.imencode(f".{suffix}", image)[1]).tobytes() for image in images]
    if suffix == "tif":
        pages = [image for image in (echoes, deep, np.float32(echoes)) for _ in range(3)]
        for compression in (1, 5, 8, 32773):
            options = [cv2.IMWRITE_TIFF_COMPRESSION, compression]
            seeds.append(np.asarray(cv2.imencodemulti(".tif", pages, options)[1]).tobytes())
        seeds += [_planar_tiff(colour, 8), _planar_tiff(np.dstack([deep] * 3), 16)]
    return seeds


def _save(save: Callable[..., None], *arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


def _planar_tiff(pixels: np.ndarray, bits: int) -> bytes:
    """Return a TIFF whose channels are stored one after the other."""
    rows, cols, planes = pixels.shape
    size = rows * cols * bits // 8
    tags = [(256, 4, [cols]), (257, 4, [rows]), (258, 3, [bits] * planes), (259, 3, [1]), (262, 3, [2])]
    tags += [(273, 4, [512 + k * size for k in range(planes)]), (274, 3, [6]), (277, 3, [planes]), (278, 4, [rows])]
    tags += [(279, 4, [size] * planes), (284, 3, [2])]
    directory, values = struct.pack("<H", len(tags)), b""
    for tag, kind, numbers in tags:
        value = struct.pack(f"<{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(value) > 4:
            position = 8 + 2 + 12 * len(tags) + 4 + len(values)
            values, value = values + value, struct.pack("<I", position)
        directory += struct.pack("<HHI4s", tag, kind, len(numbers), value)
    header = b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + values
    return header.ljust(512, b"\0") + np.ascontiguousarray(np.moveaxis(pixels, 2, 0)).tobytes()


def mutate(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with some random changes.

    Args:
        data: an intact file.
        other: another one, of which parts may be inserted.
        rng: the source of randomness.

    Returns:
        The changed file.
    """
    content = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        # Headers are at the beginning, or at the end as in TIFF and ZIP: changes there reach more code.
        spread = int(rng.choice([64, 512, len(content) or 1]))
        position = int(rng.integers(0, min(spread, len(content)) + 1))
        if rng.random() < 0.3:
            position = max(0, len(content) - position)
        length = int(rng.integers(1, 64))
        choice = rng.integers(0, 7)
        if choice == 0 and position < len(content):
            content[position] ^= 1 << int(rng.integers(0, 8))
        elif choice == 1 and position < len(content):
            content[position] = int(rng.integers(0, 256))
        elif choice == 2:
            size = int(rng.choice([1, 2, 4, 8]))
            number = HOSTILE_NUMBERS[int(rng.integers(len(HOSTILE_NUMBERS)))] % 2 ** (8 * size)
            content[position : position + size] = number.to_bytes(size, str(rng.choice(["little", "big"])))
        elif choice == 3:
            del content[position:]
        elif choice == 4:
            del content[position : position + length]
        elif choice == 5:
            content[position:position] = content[position : position + length] * int(rng.integers(1, 20))
        else:
            begin = int(rng.integers(0, len(other)))
            content[position : position + length] = other[begin : begin + length]
    return bytes(content)


def repair(suffix: str, data: bytes) -> bytes:
    """Return a file whose checksums are right, so that its changes are not refused with them."""
    if suffix == "npz":
        file = io.BytesIO()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(file, "w") as repaired_archive:
                for member in archive.infolist():
                    content = data[member.header_offset + 30 + len(member.filename) :]
                    repaired_archive.writestr(member.filename, content)
        except Exception:  # zipfile raises errors of many types for hostile names
            return data
        return file.getvalue()
    if suffix != "png":
        return data
    repaired, position = bytearray(data), 8
    while position + 12 <= len(repaired):
        end = position + 8 + int.from_bytes(repaired[position : position + 4], "big")
        if end + 4 > len(repaired):
            break
        repaired[end : end + 4] = zlib.crc32(repaired[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(repaired)


def read(path: Path, data: bytes, with_window: bool = False) -> None:
    """Write a file, count and read its frames; raise an error if that is not as it should be.

    Args:
        path: where to write it.
        data: its content.
        with_window: whether the fan of the frames is measured.
    """
    from sonar_debris.frames import FrameReadError, open_frames
    from sonar_debris.frames.loader import count_frames
    from sonar_debris.frames.range_window import RangeWindow

    path.write_bytes(data)
    count = count_frames(path)
    assert count is None or 0 <= count < 2**63
    try:
        for number, frame in enumerate(open_frames(path, window=RangeWindow(10.0) if with_window else None)):
            assert frame.image.dtype == np.float32 and frame.image.ndim == 2 and np.isfinite(frame.image).all()
            if number == MAX_FRAMES:
                break
    except FrameReadError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)


def change(suffix: str, data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with some random changes, and mostly with checksums that are right."""
    changed = mutate(data, other, rng)
    return repair(suffix, changed) if rng.random() < 0.7 else changed
