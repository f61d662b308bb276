"""From ROS messages to frames.

Reference:
    marine_acoustic_msgs, https://github.com/apl-ocean-engineering/marine_msgs: a sonar's beams and samples.

MERGED:
Reader of ROS 1 and ROS 2 bags, through rosbags (extra ``ros``).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonar_debris.frames.frame import DamagedFrame, Frame, frame_or_damaged, iso_time
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.pixels import to_grey
from sonar_debris.frames.scan_conversion import convert_scan

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection

PROJECTED = "marine_acoustic_msgs/msg/ProjectedSonarImage"
SHOWS_FRAMES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", PROJECTED)
# For bags that do not hold the definitions.
DEFINITIONS = {
    "marine_acoustic_msgs/msg/PingInfo": (
        "float32 frequency\nfloat32 sound_speed\nfloat32[] tx_beamwidths\nfloat32[] rx_beamwidths\n"
    ),
    "marine_acoustic_msgs/msg/SonarImageData": ("bool is_bigendian\nuint32 dtype\nuint32 beam_count\nuint8[] data\n"),
    PROJECTED: (
        "std_msgs/Header header\nmarine_acoustic_msgs/PingInfo ping_info\ngeometry_msgs/Vector3[] beam_directions\n"
        "float32[] ranges\nmarine_acoustic_msgs/SonarImageData image\n"
    ),
}
# Of ranges that lie unevenly.
MAX_SAMPLES = 4096
# By the message's field dtype.
_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def read_message(message, kind: str, stored: int, path: Path, name: str, index: int) -> Frame:
    """Make a frame of a message.

    Args:
        message: what rosbags made of it.
        kind: its type, one of ``SHOWS_FRAMES``.
        stored: when it was recorded, in nanoseconds since the epoch; counts if its header tells no time.
        path: the bag's file.
        name: the name that the frame shall bear.
        index: of the frame.

    Raises:
        ValueError: its content is no frame.
    """
    stamp = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
    time = stamp or stored / 1e9
    if kind != PROJECTED:
        return Frame(to_grey(_decode(message)), path, name, index, time)
    image, geometry = convert_scan(*_scan(message))
    return Frame(to_grey(image), path, name, index, time, geometry)


def _decode(message) -> np.ndarray:
    """The pixels of an image message, colour as RGB."""
    from rosbags.image import message_to_cvimage

    try:
        pixels = message_to_cvimage(message)
        return pixels if pixels.ndim == 2 or pixels.shape[2] == 1 else message_to_cvimage(message, "rgb8")
    except Exception as error:  # whatever a damaged message leads OpenCV to
        raise ValueError(f"the image cannot be decoded ({error})") from error


def _scan(message) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Echoes ``(samples, beams)``, leftmost beam first, rising bearings in degrees, first range and step in metres."""
    ranges = np.asarray(message.ranges, float)
    bearings = _bearings(message.beam_directions)
    beams = int(message.image.beam_count)
    if len(ranges) < 2 or beams < 2 or len(bearings) != beams or message.image.dtype >= len(_TYPES):
        raise ValueError(
            f"a scan has two beams and two ranges at least. Received: {beams} beams in {len(bearings)} directions, "
            f"{len(ranges)} ranges, dtype {message.image.dtype}"
        )
    dtype = np.dtype((">" if message.image.is_bigendian else "<") + _TYPES[message.image.dtype])
    if len(message.image.data) != len(ranges) * beams * dtype.itemsize:
        raise ValueError(f"the scan's data do not fit {len(ranges)} ranges × {beams} beams of {dtype}")
    echoes = np.frombuffer(message.image.data, dtype).reshape(len(ranges), beams)
    order = np.argsort(bearings, kind="stable")
    if not (np.isfinite(ranges).all() and (np.diff(ranges) > 0).all() and (np.diff(bearings[order]) > 0).all()):
        raise ValueError("a scan's ranges rise and its beams look in different directions")
    return _evenly(_remappable(echoes)[:, order], ranges, bearings[order])


def _bearings(directions) -> np.ndarray:
    """Degrees to the right of straight ahead, which is z in the message's own frame and x in a north-east-down one."""
    xyz = np.array([[each.x, each.y, each.z] for each in directions], float).reshape(-1, 3)
    ahead = 0 if np.abs(xyz[:, 0]).sum() > np.abs(xyz[:, 2]).sum() else 2
    return np.degrees(np.arctan2(xyz[:, 1], xyz[:, ahead]))


def _remappable(echoes: np.ndarray) -> np.ndarray:
    """In a type that scan conversion takes: unsigned 8 and 16 bits stay, others become float."""
    if echoes.dtype.itemsize <= 2 and echoes.dtype.kind == "u":
        return echoes.astype(echoes.dtype.newbyteorder("="))
    return to_grey(echoes)


def _evenly(echoes: np.ndarray, ranges: np.ndarray, bearings: np.ndarray):
    """Samples that lie unevenly in range, evenly, and so close that none is lost."""
    first, length = float(ranges[0]), float(ranges[-1] - ranges[0])
    step = length / (len(ranges) - 1)
    if np.abs(first + step * np.arange(len(ranges)) - ranges).max() < 0.1 * step:
        return echoes, bearings, first, step
    step = max(float(np.diff(ranges).min()), length / MAX_SAMPLES)
    even = np.arange(first, ranges[-1] + step / 2, step)
    nearest = np.interp(even, ranges, np.arange(len(ranges))).round().astype(int)
    return echoes[nearest], bearings, first, step


def read_ros(path: Path, name: str, wanted: FrameSelection = ALL_FRAMES) -> Iterator[Frame | DamagedFrame]:
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
            yield frame_or_damaged(index, partial(_read, bag, connection, data, stored, path, name, index))


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

    pass  # MIGRATE

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
