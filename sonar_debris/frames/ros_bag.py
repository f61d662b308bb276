"""Reader of ROS 1 and ROS 2 bags, through rosbags (extra ``ros``)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sonar_debris.frames.damaged_frame import DamagedFrame, attempt
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.ros_messages import SHOWS_FRAMES, read_message
from sonar_debris.frames.times import iso_time
from sonar_debris.frames.wanted import EVERYTHING, Wanted

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection


def read_ros(path: Path, name: str, wanted: Wanted = EVERYTHING) -> Iterator[Frame | DamagedFrame]:
    """Read the frames of one topic of a bag, one by one, in the order of their recording.

    Args:
        path: the ``.bag`` of ROS 1, or the ``.mcap`` or ``.db3`` of ROS 2.
        name: the name that the frames shall bear.
        wanted: which frames; and of which topic, where several show frames.

    Raises:
        ValueError: rosbags is not installed, the bag is damaged, no topic or several show frames.
    """
    with _open(path) as bag:
        topic = _choose_topic(bag, wanted.topic)
        chosen = wanted.frames
        messages = enumerate(_messages(bag, topic))
        for index, (connection, stored, data) in islice(messages, chosen.start, chosen.stop, chosen.step):
            yield attempt(index, partial(_read, bag, connection, data, stored, path, name, index))


def count_ros(path: Path) -> int:
    """The number of messages of the topic that shows frames; of all of them where several do."""
    with _open(path) as bag:
        return sum(connection.msgcount for connection in bag.connections if connection.msgtype in SHOWS_FRAMES)


def describe_ros(path: Path) -> dict:
    """What ``info`` tells of a bag: its topics that show frames, and its time span."""
    with _open(path) as bag:
        topics = [f"{topic} ({bag.topics[topic].msgtype})" for topic in _topics(bag)]
        return {"topics": ", ".join(topics), "time": [iso_time(t / 1e9) for t in (bag.start_time, bag.end_time)]}


@contextmanager
def _open(path: Path) -> Iterator[AnyReader]:
    if importlib.util.find_spec("rosbags") is None:
        raise ValueError("reading ROS bags needs rosbags: pip install 'sonar-debris[ros]'")
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    from sonar_debris.frames.ros_messages import DEFINITIONS

    # Bags of ROS 2 before Iron hold no definitions of their messages.
    store = get_typestore(Stores.LATEST)
    for kind, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, kind))
    with _one_error(), AnyReader([path], default_typestore=store) as bag:
        yield bag


@contextmanager
def _one_error() -> Iterator[None]:
    """Turn whatever a damaged bag makes the storage readers raise into a ValueError."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise ValueError(f"the bag cannot be read ({error or type(error).__name__})") from error


def _topics(bag: AnyReader) -> list[str]:
    return [name for name, info in bag.topics.items() if info.msgtype in SHOWS_FRAMES]


def _choose_topic(bag: AnyReader, wanted: str | None) -> str:
    topics = _topics(bag)
    if wanted is not None and wanted in topics:
        return wanted
    if not topics:
        raise ValueError("no topic of the bag shows frames: none is of type " + ", ".join(SHOWS_FRAMES))
    if wanted is not None or len(topics) > 1:
        problem = f"no topic {wanted}" if wanted else "several topics show frames"
        raise ValueError(f"{problem}; choose with --topic among {', '.join(topics)}")
    return topics[0]


def _messages(bag: AnyReader, topic: str) -> Iterator[tuple[Connection, int, bytes]]:
    yield from bag.messages([connection for connection in bag.connections if connection.topic == topic])


def _read(bag: AnyReader, connection: Connection, data: bytes, stored: int, path: Path, name: str, index: int) -> Frame:
    try:
        message = bag.deserialize(data, connection.msgtype)
    except Exception as error:  # a damaged message leads rosbags to errors of many types
        raise ValueError(f"the message is damaged ({error or type(error).__name__})") from error
    return read_message(message, connection.msgtype, stored, path, name, index)
