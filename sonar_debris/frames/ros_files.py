"""The files of ROS 2 recordings: the ``metadata.yaml`` that lists them, and their compression with zstd."""

from __future__ import annotations

import bz2
import importlib
import re
import shutil
import stat
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, NamedTuple

METADATA_FILE = "metadata.yaml"
STORAGE_SUFFIXES = (".db3", ".mcap")
PACKED_SUFFIXES = (".zstd", ".zst")
# Metadata have a kilobyte per topic, and few brackets. More could keep the parser busy for minutes.
MAX_METADATA_BYTES, MAX_BRACKETS = 2**20, 10_000
# Largest message: a frame of the greatest size with 8 bytes per pixel.
MAX_MESSAGE_BYTES = 2**29
# Largest chunk of a bag, unpacked: recorders write a chunk for every few megabytes.
MAX_CHUNK_BYTES = 2**28
# A file that is this many times larger when it is unpacked, and larger than a chunk, is no recording of echoes.
MAX_RATIO = 200
# Unpacking stops when less space is left for other programs.
MIN_FREE_BYTES = 2**28
_CHUNK_BYTES = 2**22
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Topic(NamedTuple):
    """A topic of a recording.

    Attributes:
        type: the type of its messages; None if they have several types.
        messages: the number of its messages.
    """

    type: str | None
    messages: int


@dataclass(frozen=True)
class BagMetadata:
    """What ``metadata.yaml`` says of a recording.

    Attributes:
        files: the storage files, in the order of recording.
        topics: the topics by name.
        time_span: begin and end of the recording, in seconds since the epoch.
        file_messages: number of messages of each file, over all topics; None if the metadata do not have it.
    """

    files: list[Path]
    topics: dict[str, Topic]
    time_span: tuple[float, float]
    file_messages: list[int] | None

    def count_by_file(self, topic: str) -> list[int | None]:
        """Return the number of messages of a topic in each file; None where only reading the file would tell."""
        others = sum(info.messages for name, info in self.topics.items() if name != topic)
        if others or not self.file_messages:
            return [None] * len(self.files)
        return list(self.file_messages)


def is_metadata(path: Path) -> bool:
    """Return whether a file has the name of the metadata of a ROS 2 bag."""
    return path.name.lower() == METADATA_FILE


def is_packed(path: PurePath) -> bool:
    """Return whether a file has the suffix of a file that was compressed with zstd."""
    return path.suffix.lower() in PACKED_SUFFIXES


def storage_suffix(path: PurePath) -> str:
    """Return the suffix of a storage file in lower case, as it was before the file was compressed with zstd.

    Example:
        >>> storage_suffix(PurePath("dive.DB3")), storage_suffix(PurePath("dive.db3.zstd"))
        ('.db3', '.db3')
    """
    return (path.with_suffix("") if is_packed(path) else path).suffix.lower()


def split_files(path: Path) -> list[Path]:
    """List the files of a recording that was split.

    Args:
        path: a ``metadata.yaml``.

    Returns:
        The files; none if they are fewer than two, or if it is not the metadata of a ROS 2 bag.
    """
    try:
        files = read_metadata(path).files
    except (OSError, ValueError):
        return []
    return files if len(files) > 1 else []


def read_metadata(path: Path) -> BagMetadata:
    """Read the metadata of a ROS 2 bag.

    Args:
        path: the ``metadata.yaml``.

    Returns:
        The metadata. The files are in the folder of ``path``, wherever the metadata place them.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not the metadata of a ROS 2 bag, or they are damaged.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    return _read_metadata(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_metadata(path: Path, size: int, modified_ns: int) -> BagMetadata:
    """Read metadata once: the search of a folder, counting and reading need them, and the parser is slow."""
    try:
        from ruamel.yaml import YAML  # comes with rosbags
    except ImportError as error:
        raise ValueError("reading ROS bags needs rosbags: pip install 'sonar-debris[ros]'") from error
    with path.open("rb") as file:
        text = file.read(MAX_METADATA_BYTES + 1)
    is_plain = len(text) <= MAX_METADATA_BYTES and text.count(b"[") + text.count(b"{") <= MAX_BRACKETS
    if not is_plain or b"rosbag2_bagfile_information" not in text:
        raise ValueError("not the metadata of a ROS 2 bag")
    try:
        return _parse_metadata(YAML(typ="safe").load(text)["rosbag2_bagfile_information"], path.parent)
    except Exception as error:  # the parser and missing or wrong entries raise errors of many types
        raise ValueError(f"the metadata of the bag are damaged ({error or type(error).__name__})") from error


def _parse_metadata(content: dict[str, Any], folder: Path) -> BagMetadata:
    names = [PurePath(name).name for name in content["relative_file_paths"]]
    topics = {
        entry["topic_metadata"]["name"]: Topic(entry["topic_metadata"]["type"], _to_count(entry["message_count"]))
        for entry in content["topics_with_message_count"]
    }
    start = int(content["starting_time"]["nanoseconds_since_epoch"])
    end = start + int(content["duration"]["nanoseconds"])
    by_name = {PurePath(entry["path"]).name: entry["message_count"] for entry in content.get("files") or []}
    file_messages = [_to_count(by_name[name]) for name in names] if by_name.keys() >= set(names) else None
    if not names or not all(storage_suffix(PurePath(name)) in STORAGE_SUFFIXES for name in names):
        raise ValueError(f"they list other files than {' and '.join(STORAGE_SUFFIXES)}")
    return BagMetadata([_locate(folder / name) for name in names], topics, (start / 1e9, end / 1e9), file_messages)


def _locate(file: Path) -> Path:
    """Return a file, or the packed or unpacked form of it that is present in its place."""
    packed = [file.with_name(file.name + suffix) for suffix in PACKED_SUFFIXES]
    candidates = [file, file.with_suffix("")] if is_packed(file) else [file, *packed]
    return next((candidate for candidate in candidates if candidate.exists()), file)


def _to_count(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < 2**53:
        raise ValueError(f"{number!r} is not a number of messages")
    return number


@contextmanager
def storage_file(path: Path) -> Iterator[Path]:
    """Provide a storage file under a name that rosbags can open, and unpacked if it is compressed.

    Args:
        path: a ``.bag``, ``.mcap`` or ``.db3``, or one compressed with zstd.

    Yields:
        The path itself, or that of a link or a copy, which is removed at the end or later.

    Raises:
        OSError: the file cannot be opened, or there is no space for the copy.
        ValueError: the file is not a regular file, or damaged.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a regular file")
    if is_packed(path):
        unpacked = _unpack(path, status.st_size, status.st_mtime_ns)
        yield unpacked.path
    elif path.suffix == path.suffix.lower() and re.fullmatch(r"[\w./ +~=,@-]+", str(path), re.ASCII):
        yield path
    else:  # rosbags knows lower-case suffixes only, and opens SQLite files by a URI without quoting it
        with tempfile.TemporaryDirectory(prefix="sonar-debris-") as name:
            link = Path(name, f"bag{path.suffix.lower()}")
            link.symlink_to(path.absolute())
            yield link


class UnpackedFile:
    """A storage file that was unpacked into a temporary folder, which is removed when the object is no longer used.

    Args:
        packed: a file that was compressed with zstd.

    Attributes:
        path: the unpacked file.

    Raises:
        OSError: the file cannot be opened, or the copy cannot be written.
        ValueError: the file is damaged, or there is no space for the copy.
    """

    def __init__(self, packed: Path):
        zstd = _zstd(packed)
        folder = tempfile.mkdtemp(prefix="sonar-debris-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder, f"bag{storage_suffix(packed)}")
        try:
            with packed.open("rb") as source, zstd.open(source) as content, self.path.open("wb") as target:
                limit = max(MAX_CHUNK_BYTES, MAX_RATIO * packed.stat().st_size)
                while chunk := content.read(_CHUNK_BYTES):
                    if target.tell() > limit:
                        raise ValueError(f"it unpacks to more than {MAX_RATIO} times its size; {_advice(packed)}")
                    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
                        raise ValueError(f"there is no space to unpack it in {folder}; {_advice(packed)}")
                    target.write(chunk)
        except (zstd.ZstdError, EOFError) as error:
            raise ValueError(f"it cannot be unpacked ({error}); to see why, {_advice(packed)}") from error


# Counting, describing and reading a file, and the shards of a worker, unpack it once. Size and time of the last change
# are part of the key: a file that has changed is unpacked again.
@lru_cache(maxsize=1)
def _unpack(path: Path, size: int, modified_ns: int) -> UnpackedFile:
    return UnpackedFile(path)


def unpack_message(data: bytes) -> bytes:
    """Unpack a message that was compressed with zstd; others, which never begin like it, are returned as they are.

    Raises:
        ValueError: the message is damaged, or too large.
    """
    if data[:4] != _ZSTD_MAGIC:
        return data
    zstd = _zstd()
    try:
        decompressor = zstd.ZstdDecompressor()
        message: bytes = decompressor.decompress(data, MAX_MESSAGE_BYTES)
    except zstd.ZstdError as error:
        raise ValueError(f"the message cannot be unpacked ({error})") from error
    if not decompressor.eof:
        raise ValueError("the message cannot be unpacked: truncated or too large")
    return message


@cache
def limit_chunks() -> None:
    """Make rosbags refuse chunks of more than `MAX_CHUNK_BYTES`, which it would unpack whole."""
    from rosbags.rosbag1 import reader
    from rosbags.rosbag2 import storage_mcap

    lz4 = importlib.import_module("lz4.frame")  # comes with rosbags
    makers: dict[str, Callable[[], Any]] = {"bz2": bz2.BZ2Decompressor, "lz4": lz4.LZ4FrameDecompressor}
    makers["zstd"] = lambda: _zstd().ZstdDecompressor()
    for decompressors in (reader.decompressors, storage_mcap.DECOMPRESSORS):
        for name in decompressors.keys() & makers.keys():
            decompressors[name] = partial(_unpack_chunk, makers[name])


def _unpack_chunk(make_decompressor: Callable[[], Any], data: bytes, size: int = 0) -> bytes:
    """Unpack a chunk, which may have several frames; its declared size is checked by rosbags."""
    unpacked = bytearray()
    while data:
        decompressor = make_decompressor()
        unpacked += decompressor.decompress(data, max_length=MAX_CHUNK_BYTES + 1 - len(unpacked))
        if len(unpacked) > MAX_CHUNK_BYTES:
            raise ValueError(f"a chunk unpacks to more than {MAX_CHUNK_BYTES >> 20} MiB")
        if not decompressor.eof:
            raise ValueError("a chunk is truncated")
        data = decompressor.unused_data or b""
    return bytes(unpacked)


def _zstd(path: Path | None = None) -> ModuleType:
    """Return the module for zstd: of Python from 3.14, or the one that comes with rosbags."""
    for name in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return importlib.import_module(name)
    advice = f"; or {_advice(path)}" if path else ""
    raise ValueError(f"compressed with zstd, which needs a module: pip install backports.zstd{advice}")


def _advice(path: Path) -> str:
    return f"unpack it with: zstd -d '{path}'"
