"""Reader of ROS 1 and ROS 2 bags, through rosbags (extra ``ros``).

A recording is one file, or the files that ROS 2 split by size or time and lists in ``metadata.yaml``: these are read
one after the other, as one sequence of frames. Compression of files and of messages with zstd is recognised by the
content.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonar_debris.frames.frame import (
    ALL_FRAMES,
    FrameSelection,
    RawFrame,
    ReaderItem,
    TruncatedFile,
    frame_or_damaged,
    iso_time,
    shift_slice,
)
from sonar_debris.frames.ros_files import (
    BagMetadata,
    Topic,
    is_metadata,
    limit_chunks,
    read_metadata,
    storage_file,
    unpack_message,
)
from sonar_debris.frames.ros_messages import DEFINITIONS, FRAME_TYPES, PROJECTED, compute_bearings, convert_message

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection
    from rosbags.typesys.store import Typestore

# How to repair a bag whose recorder was killed.
_REPAIRS = {".mcap": "mcap recover", ".bag": "rosbag reindex"}


def read_ros(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of one topic of a recording one by one, in the order of recording.

    Args:
        path: the ``.bag`` of ROS 1; the ``.mcap`` or ``.db3`` of ROS 2, which may be compressed: ``.db3.zstd``; or the
            ``metadata.yaml`` of ROS 2, for all files of its recording.
        selection: the frames to read, and their topic if several topics have frames.

    Yields:
        The frames, a `DamagedFrame` for each message that cannot be read, and a `TruncatedFile` if some messages are
        not in the file yet.

    Raises:
        OSError: the file cannot be opened.
        ValueError: rosbags is not installed, the bag is damaged, or it has no such topic.
    """
    if is_metadata(path):
        yield from _read_files(read_metadata(path), selection)
        return
    with _open_bag(path) as bag:
        topic = _choose_topic(_bag_topics(bag), selection.topic)
        yield from _read_topic(bag, topic, selection.frames)
    journal = path.with_name(f"{path.name}-wal")
    if journal.is_file() and journal.stat().st_size:  # SQLite's, of a recorder that was killed
        yield TruncatedFile(f"the messages in {journal.name} were not read; open the bag once with sqlite3")


def count_ros(path: Path, topic: str | None = None) -> int:
    """Count the messages of the topic that has frames.

    Args:
        path: the recording, as in `read_ros`.
        topic: the topic, if several topics have frames.

    Returns:
        The number of messages.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the bag is damaged, or it has no such topic.
    """
    topics = _list_topics(path)
    return topics[_choose_topic(topics, topic)].messages


def describe_ros(path: Path, topic: str | None = None) -> dict[str, Any]:
    """Describe a recording: its topics with frames, its time span, and how bearings are computed.

    Args:
        path: the recording, as in `read_ros`.
        topic: the topic, if several topics have frames.

    Returns:
        What ``info`` prints.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the bag is damaged, or it has no such topic.
    """
    if is_metadata(path):
        metadata = read_metadata(path)
        files, topics, time_span = metadata.files, metadata.topics, metadata.time_span
    else:
        with _open_bag(path) as bag:
            files, topics, time_span = [path], _bag_topics(bag), (bag.start_time / 1e9, bag.end_time / 1e9)
    chosen = _choose_topic(topics, topic)
    frame_topics = [_format_topic(name, info) for name, info in topics.items() if info.type in FRAME_TYPES]
    description: dict[str, Any] = {"topics": ", ".join(frame_topics), "time": [iso_time(time) for time in time_span]}
    convention = _find_convention(files, chosen) if topics[chosen].type == PROJECTED else None
    return description | ({"bearing_convention": convention} if convention else {})


def _find_convention(files: list[Path], topic: str) -> str | None:
    """Return how bearings are computed in the first message that is not damaged; None if all are."""
    for file in files:
        with suppress(OSError, ValueError), _open_bag(file) as bag:
            for connection, _, data in _read_messages(bag, topic):
                with suppress(ValueError):
                    return compute_bearings(_deserialize(bag, connection, data).beam_directions)[1]
    return None


def _read_files(metadata: BagMetadata, selection: FrameSelection) -> Iterator[ReaderItem]:
    """Read the files of a recording; those after an unreadable file too, if the number of its frames is known."""
    topic = _choose_topic(metadata.topics, selection.topic)
    problems: list[str] = []
    position = 0
    for file, count in zip(metadata.files, metadata.count_by_file(topic), strict=True):
        frames = shift_slice(selection.frames, position)
        if frames.stop == 0 or (count is not None and not range(count)[frames]):
            position += count or 0
            continue
        try:
            with _open_bag(file) as bag:
                yield from _read_topic(bag, topic, frames, position)
                position += _bag_topics(bag)[topic].messages if topic in _bag_topics(bag) else 0
        except (OSError, ValueError) as error:
            reason = f"{file.name}: {getattr(error, 'strerror', None) or error}"
            if count is None and file != metadata.files[-1]:
                raise ValueError(f"{reason}; the files after it were not read: give them one by one") from error
            problems.append(reason)
            position += count or 0
    if problems:
        raise ValueError("; ".join(problems) + "; the other files of the recording were read")


def _read_topic(bag: AnyReader, topic: str, frames: slice, position: int = 0) -> Iterator[ReaderItem]:
    """Read the selected messages of a topic; the first message of the bag has the index ``position``."""
    messages = islice(enumerate(_read_messages(bag, topic)), frames.start, frames.stop, frames.step)
    for index, (connection, recorded_ns, data) in messages:
        yield frame_or_damaged(
            position + index, partial(_read_frame, bag, connection, recorded_ns, data, position + index)
        )


@contextmanager
def _open_bag(path: Path) -> Iterator[AnyReader]:
    if importlib.util.find_spec("rosbags") is None:
        raise ValueError("reading ROS bags needs rosbags: pip install 'sonar-debris[ros]'")
    from rosbags.highlevel import AnyReader

    limit_chunks()
    with (
        storage_file(path) as file,
        _single_error_type(file),
        AnyReader([file], default_typestore=_typestore()) as bag,
    ):
        yield bag


@cache
def _typestore() -> Typestore:
    """Return the types of messages: bags of ROS 2 before Iron do not contain their definitions."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.LATEST)
    for message_type, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, message_type))
    return store


@contextmanager
def _single_error_type(file: Path) -> Iterator[None]:
    """Turn every error that a damaged bag makes rosbags raise into a ValueError."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        repair = f"; if its recording was interrupted, try: {_REPAIRS[file.suffix]}" if file.suffix in _REPAIRS else ""
        raise ValueError(f"the bag cannot be read ({error or type(error).__name__}){repair}") from error


def _list_topics(path: Path) -> dict[str, Topic]:
    if is_metadata(path):
        return read_metadata(path).topics
    with _open_bag(path) as bag:
        return _bag_topics(bag)


def _bag_topics(bag: AnyReader) -> dict[str, Topic]:
    return {name: Topic(info.msgtype, info.msgcount) for name, info in bag.topics.items()}


def _format_topic(name: str, topic: Topic) -> str:
    return f"{name} ({topic.type})"


def _choose_topic(topics: dict[str, Topic], topic: str | None) -> str:
    """Return the given topic, or else the only one that has frames."""
    frame_topics = [name for name, info in topics.items() if info.type in FRAME_TYPES]
    if topic is not None and topic in frame_topics:
        return topic
    if not frame_topics:
        present = ", ".join(_format_topic(name, info) for name, info in topics.items()) or "none"
        raise ValueError(
            f"no topic of the bag has frames: none is of type {', '.join(FRAME_TYPES)}. Its topics: {present}"
        )
    if topic is not None or len(frame_topics) > 1:
        problem = f"no topic {topic} with frames" if topic else "several topics have frames"
        choice = ", ".join(_format_topic(name, topics[name]) for name in frame_topics)
        raise ValueError(f"{problem}; choose with --topic among {choice}")
    return frame_topics[0]


def _read_messages(bag: AnyReader, topic: str) -> Iterator[tuple[Connection, int, bytes]]:
    """Yield connection, time of recording in nanoseconds, and data of each message of a topic."""
    connections = [connection for connection in bag.connections if connection.topic == topic]
    if connections:  # rosbags would read all topics
        yield from bag.messages(connections)


def _read_frame(bag: AnyReader, connection: Connection, recorded_ns: int, data: bytes, index: int) -> RawFrame:
    """Convert a message to a frame; raise a ValueError if it is damaged."""
    message = _deserialize(bag, connection, data)
    return convert_message(message, connection.msgtype, recorded_ns / 1e9, index)


def _deserialize(bag: AnyReader, connection: Connection, data: bytes) -> Any:
    try:
        return bag.deserialize(unpack_message(data) if bag.is2 else data, connection.msgtype)
    except Exception as error:  # rosbags raises errors of many types for a damaged message
        raise ValueError(f"the message is damaged ({error or type(error).__name__})") from error
