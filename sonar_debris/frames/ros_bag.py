"""Reader of ROS 1 and ROS 2 bags, through rosbags (extra ``ros``).

Reference:
    marine_acoustic_msgs, https://github.com/apl-ocean-engineering/marine_msgs: messages with beams and samples.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sonar_debris.frames.frame import RawFrame, ReaderItem, frame_or_damaged, iso_time
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.frames.pixels import to_grey
from sonar_debris.frames.scan_conversion import convert_scan

if TYPE_CHECKING:
    from rosbags.highlevel import AnyReader
    from rosbags.interfaces import Connection

PROJECTED = "marine_acoustic_msgs/msg/ProjectedSonarImage"
FRAME_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", PROJECTED)
# For bags that do not contain the definitions.
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
# Samples per beam after unevenly spaced ranges were resampled.
MAX_SAMPLES = 4096
# NumPy's names of the sample types, in the order of the message's field dtype.
_SAMPLE_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def read_ros(path: Path, selection: FrameSelection = ALL_FRAMES) -> Iterator[ReaderItem]:
    """Read the frames of one topic of a bag one by one, in the order of recording.

    Args:
        path: the ``.bag`` of ROS 1, or the ``.mcap`` or ``.db3`` of ROS 2.
        selection: the frames to read, and their topic if several topics have frames.

    Yields:
        The frames, and a `DamagedFrame` for each message that cannot be read.

    Raises:
        OSError: the file cannot be opened.
        ValueError: rosbags is not installed, the bag is damaged, or it has no such topic.
    """
    with _open_bag(path) as bag:
        topic = _choose_topic(bag, selection.topic)
        frames = selection.frames
        messages = islice(enumerate(_read_messages(bag, topic)), frames.start, frames.stop, frames.step)
        for index, (connection, recorded_ns, data) in messages:
            yield frame_or_damaged(index, partial(_read_frame, bag, connection, recorded_ns, data, index))


def count_ros(path: Path) -> int:
    """Return the number of messages of the topic that has frames; of all such topics if there are several."""
    with _open_bag(path) as bag:
        return sum(connection.msgcount for connection in bag.connections if connection.msgtype in FRAME_TYPES)


def describe_ros(path: Path) -> dict[str, Any]:
    """Return what ``info`` prints of a bag: the topics that have frames, and its time span."""
    with _open_bag(path) as bag:
        topics = [f"{topic} ({bag.topics[topic].msgtype})" for topic in _frame_topics(bag)]
        time_span = [iso_time(nanoseconds / 1e9) for nanoseconds in (bag.start_time, bag.end_time)]
        return {"topics": ", ".join(topics), "time": time_span}


@contextmanager
def _open_bag(path: Path) -> Iterator[AnyReader]:
    if importlib.util.find_spec("rosbags") is None:
        raise ValueError("reading ROS bags needs rosbags: pip install 'sonar-debris[ros]'")
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    # Bags of ROS 2 before Iron do not contain the definitions of their messages.
    store = get_typestore(Stores.LATEST)
    for message_type, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, message_type))
    with _single_error_type(), AnyReader([path], default_typestore=store) as bag:
        yield bag


@contextmanager
def _single_error_type() -> Iterator[None]:
    """Turn every error that a damaged bag makes rosbags raise into a ValueError."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise ValueError(f"the bag cannot be read ({error or type(error).__name__})") from error


def _frame_topics(bag: AnyReader) -> list[str]:
    return [name for name, info in bag.topics.items() if info.msgtype in FRAME_TYPES]


def _choose_topic(bag: AnyReader, topic: str | None) -> str:
    """Return the given topic, or else the only one that has frames."""
    topics = _frame_topics(bag)
    if topic is not None and topic in topics:
        return topic
    if not topics:
        raise ValueError("no topic of the bag has frames: none is of type " + ", ".join(FRAME_TYPES))
    if topic is not None or len(topics) > 1:
        problem = f"no topic {topic}" if topic else "several topics have frames"
        raise ValueError(f"{problem}; choose with --topic among {', '.join(topics)}")
    return topics[0]


def _read_messages(bag: AnyReader, topic: str) -> Iterator[tuple[Connection, int, bytes]]:
    """Yield connection, time of recording in nanoseconds, and data of each message of a topic."""
    yield from bag.messages([connection for connection in bag.connections if connection.topic == topic])


def _read_frame(bag: AnyReader, connection: Connection, recorded_ns: int, data: bytes, index: int) -> RawFrame:
    """Convert a message to a frame; raise a ValueError if it is damaged."""
    try:
        message: Any = bag.deserialize(data, connection.msgtype)
    except Exception as error:  # rosbags raises errors of many types for a damaged message
        raise ValueError(f"the message is damaged ({error or type(error).__name__})") from error
    stamp = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
    time = stamp or recorded_ns / 1e9
    if connection.msgtype != PROJECTED:
        return RawFrame(to_grey(_decode_image(message)), index, time)
    echoes, bearings, first_range, range_step = _read_scan(message)
    image, fan = convert_scan(echoes, bearings, first_range, range_step)
    return RawFrame(to_grey(image), index, time, fan)


def _decode_image(message: Any) -> np.ndarray:
    """Return the pixels of an image message; colour is RGB."""
    from rosbags.image import message_to_cvimage

    try:
        pixels: np.ndarray = message_to_cvimage(message)
        if pixels.ndim > 2 and pixels.shape[2] > 1:
            pixels = message_to_cvimage(message, "rgb8")
    except Exception as error:  # OpenCV and rosbags raise errors of many types for a damaged message
        raise ValueError(f"the image cannot be decoded ({error})") from error
    return pixels


def _read_scan(message: Any) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return echoes ``(samples, beams)``, bearings in degrees, first range and range step in metres.

    The leftmost beam comes first.
    """
    ranges = np.asarray(message.ranges, float)
    bearings = _compute_bearings(message.beam_directions)
    beams, type_code = int(message.image.beam_count), message.image.dtype
    if len(ranges) < 2 or beams < 2 or len(bearings) != beams or type_code >= len(_SAMPLE_TYPES):
        raise ValueError(
            f"a scan has two beams and two ranges at least. Received: {beams} beams in {len(bearings)} directions, "
            f"{len(ranges)} ranges, dtype {type_code}"
        )
    dtype = np.dtype((">" if message.image.is_bigendian else "<") + _SAMPLE_TYPES[type_code])
    if len(message.image.data) != len(ranges) * beams * dtype.itemsize:
        raise ValueError(f"the scan's data do not fit {len(ranges)} ranges × {beams} beams of {dtype}")
    echoes = np.frombuffer(message.image.data, dtype).reshape(len(ranges), beams)
    order = np.argsort(bearings, kind="stable")
    if not (np.isfinite(ranges).all() and (np.diff(ranges) > 0).all() and (np.diff(bearings[order]) > 0).all()):
        raise ValueError("a scan needs increasing ranges and beams with distinct bearings")
    echoes, first_range, range_step = _resample_ranges(_to_remappable(echoes)[:, order], ranges)
    return echoes, bearings[order], first_range, range_step


def _compute_bearings(directions: Any) -> np.ndarray:
    """Return bearings in degrees; "ahead" is z in the message's own frame, and x in a north-east-down frame."""
    xyz = np.array([[vector.x, vector.y, vector.z] for vector in directions], float).reshape(-1, 3)
    ahead = 0 if np.abs(xyz[:, 0]).sum() > np.abs(xyz[:, 2]).sum() else 2
    bearings: np.ndarray = np.degrees(np.arctan2(xyz[:, 1], xyz[:, ahead]))
    return bearings


def _to_remappable(echoes: np.ndarray) -> np.ndarray:
    """Return echoes in a type that scan conversion accepts: unsigned 8 and 16 bits stay, others become float."""
    if echoes.dtype.itemsize <= 2 and echoes.dtype.kind == "u":
        return echoes.astype(echoes.dtype.newbyteorder("="))
    return to_grey(echoes)


def _resample_ranges(echoes: np.ndarray, ranges: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return evenly spaced samples, their first range and their distance; the spacing is so close that none is lost."""
    first_range, length = float(ranges[0]), float(ranges[-1] - ranges[0])
    range_step = length / (len(ranges) - 1)
    if np.abs(first_range + range_step * np.arange(len(ranges)) - ranges).max() < 0.1 * range_step:
        return echoes, first_range, range_step
    range_step = max(float(np.diff(ranges).min()), length / MAX_SAMPLES)
    even_ranges = np.arange(first_range, ranges[-1] + range_step / 2, range_step)
    nearest = np.interp(even_ranges, ranges, np.arange(len(ranges))).round().astype(int)
    return echoes[nearest], first_range, range_step
