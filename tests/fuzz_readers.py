"""Fuzz the readers of frames: any file must give frames or a FrameReadError, soon and with little memory.

Intact files of the format are changed at random and read. A file that causes another error, takes too long or needs too
much memory is kept, and its path is printed. With --atheris, libFuzzer changes the files, guided by the code that they
reach (pip install atheris); options after -- are passed on to it.

    python tests/fuzz_readers.py tif --seconds 300 --seed 1
    python tests/fuzz_readers.py aris --atheris -- -max_total_time=600 -rss_limit_mb=1500
"""

import argparse
import faulthandler
import io
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = ("aris", "bmp", "jpg", "npy", "npz", "pgm", "png", "tif")
MAX_FRAMES = 50
# Limits of one file: seconds to read it, and memory of the process that it adds, in kB.
MAX_SECONDS, MAX_MEMORY = 20, 1_500_000
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


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise an error in the main thread if the block takes longer than ``MAX_SECONDS``."""

    def stop(signal_number: int, stack_frame: object) -> None:
        raise AssertionError(f"it took more than {MAX_SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


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


def fuzz(suffix: str, seconds: float, seed: int, folder: Path) -> int:
    """Read randomly changed files for some time.

    Args:
        suffix: the format.
        seconds: how long.
        seed: of the random numbers.
        folder: where files that fail are kept.

    Returns:
        The number of files that failed.
    """
    faulthandler.enable()  # a file that kills the process is found in the folder as well
    rng, seeds = np.random.default_rng(seed), make_seeds(suffix)
    path, failures, number = folder / f"fuzzed.{suffix}", 0, 0
    for intact in seeds:
        read(path, intact)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        data, other = (seeds[int(rng.integers(len(seeds)))] for _ in range(2))
        data = mutate(data, other, rng)
        data = repair(suffix, data) if rng.random() < 0.7 else data
        begin = time.monotonic()
        try:
            with time_limit():
                read(path, data, with_window=bool(rng.random() < 0.1))
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert used - memory < MAX_MEMORY, f"it needed {(used - memory) / 1000:.0f} MB"
            assert time.monotonic() - begin < MAX_SECONDS, f"it took {time.monotonic() - begin:.0f} s"
        except Exception as error:
            failures += 1
            kept = folder / f"failure-{failures}.{suffix}"
            kept.write_bytes(data)
            print(f"{kept}: {type(error).__name__}: {error}", flush=True)
            memory = max(memory, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"{suffix}: {number} files, {failures} failures", flush=True)
    return failures


def fuzz_with_atheris(suffix: str, options: list[str], folder: Path) -> None:
    """Let libFuzzer change the files; it ends the process.

    Args:
        suffix: the format.
        options: options of libFuzzer.
        folder: where the files are written.
    """
    import atheris

    with atheris.instrument_imports(include=["sonar_debris.frames"]):
        import sonar_debris.frames.loader  # noqa: F401 - instrumented when it is imported
    seeds = folder / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, data in enumerate(make_seeds(suffix)):
        (seeds / f"{number}.{suffix}").write_bytes(data)
    atheris.Setup([sys.argv[0], *options, str(seeds)], lambda data: read(folder / f"fuzzed.{suffix}", data))
    atheris.Fuzz()


def main() -> int:
    """Parse the arguments and fuzz; return the exit code."""
    summary, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suffix", choices=SUFFIXES, nargs="+", help="suffix of a format; several are fuzzed in turn")
    parser.add_argument("--seconds", type=float, default=60, help="time per format (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random changes (default: 0)")
    parser.add_argument("--folder", type=Path, help="where failing files are kept (default: a temporary folder)")
    parser.add_argument("--atheris", action="store_true", help="let libFuzzer change the files; for one format")
    arguments = sys.argv[1:]
    separator = arguments.index("--") if "--" in arguments else len(arguments)
    selected = parser.parse_args(arguments[:separator])
    folder = selected.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    if selected.atheris:
        fuzz_with_atheris(selected.suffix[0], arguments[separator + 1 :], folder)
    return 1 if sum(fuzz(suffix, selected.seconds, selected.seed, folder) for suffix in selected.suffix) else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main())
