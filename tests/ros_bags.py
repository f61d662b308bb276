"""Write ROS bags for tests, as the driver of a sonar does."""

from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from ruamel.yaml import YAML

from sonar_debris.frames.ros_messages import DEFINITIONS, PROJECTED

SECOND = 10**9


def typestore(ros: int = 2):
    """Return the message types of a driver for imaging sonars."""
    store = get_typestore(Stores.ROS2_HUMBLE if ros == 2 else Stores.ROS1_NOETIC)
    for message_type, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, message_type))
    return store


def header(store, seconds: float, ros: int = 2):
    """Return a message header with a time stamp."""
    stamp = store.types["builtin_interfaces/msg/Time"](int(seconds), round(seconds % 1 * SECOND))
    sequence = {"seq": 0} if ros == 1 else {}
    return store.types["std_msgs/msg/Header"](**sequence, stamp=stamp, frame_id="sonar")


def projected(
    store, echoes, bearings, ranges, seconds, ros: int = 2, ahead="z", dtype: int = 0, starboard: int | None = None
):
    """Return a ProjectedSonarImage of echoes ``(samples, beams)``.

    Args:
        store: the message types.
        echoes: the samples, of the type that ``dtype`` names.
        bearings: ``(beams,)`` in degrees.
        ranges: ``(samples,)`` in metres.
        seconds: time stamp, in seconds since the epoch.
        ros: 1 or 2.
        ahead: the axis that points ahead, ``z`` or ``x``.
        dtype: code of the sample type in the message: 0 is uint8, 8 is float32.
        starboard: sign of y to starboard; by default that of most drivers: -1 if z is ahead, else 1.
    """
    starboard = starboard or (-1 if ahead == "z" else 1)
    vector_type = store.types["geometry_msgs/msg/Vector3"]
    directions = []
    for angle in np.radians(bearings):
        components = {"x": 0.0, "y": float(starboard * np.sin(angle)), "z": 0.0, ahead: float(np.cos(angle))}
        directions.append(vector_type(**components))
    no_widths = np.zeros(0, np.float32)
    data = np.frombuffer(np.ascontiguousarray(echoes).tobytes(), np.uint8)
    return store.types[PROJECTED](
        header(store, seconds, ros),
        store.types["marine_acoustic_msgs/msg/PingInfo"](1.2e6, 1500.0, no_widths, no_widths),
        directions,
        np.float32(ranges),
        store.types["marine_acoustic_msgs/msg/SonarImageData"](False, dtype, echoes.shape[1], data),
    )


def image(store, pixels, seconds, encoding="mono8", ros: int = 2, padding: int = 0):
    """Return a sensor_msgs/Image of pixels ``(rows, cols)`` or ``(rows, cols, channels)``, with padded rows."""
    rows, cols = pixels.shape[:2]
    data = np.frombuffer(pixels.tobytes(), np.uint8).reshape(rows, -1)
    data = np.pad(data, ((0, 0), (0, padding)), constant_values=255).ravel()
    image_type = store.types["sensor_msgs/msg/Image"]
    return image_type(header(store, seconds, ros), rows, cols, encoding, 0, len(data) // rows, data)


def compressed_image(store, pixels, seconds, suffix=".png"):
    """Return a sensor_msgs/CompressedImage of pixels ``(rows, cols)``."""
    image_type = store.types["sensor_msgs/msg/CompressedImage"]
    return image_type(header(store, seconds), suffix[1:], cv2.imencode(suffix, pixels)[1].ravel())


def write_bag(path: Path, topics: dict, ros: int = 2, storage: str = "mcap", compression: str | None = None) -> Path:
    """Write a bag.

    Args:
        path: the bag: a folder for ROS 2, a file for ROS 1.
        topics: the messages by the name of their topic.
        ros: 1 or 2.
        storage: storage of ROS 2: ``mcap`` or ``sqlite3``.
        compression: what ROS 2 compresses with zstd: ``FILE``, ``MESSAGE`` or nothing.

    Returns:
        The file that contains the messages.
    """
    store = typestore(ros)
    if ros == 1:
        writer = Writer1(path)
    else:
        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        writer = Writer2(path, version=9, storage_plugin=plugin)
        if compression:
            writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
    with writer:
        for topic, messages in topics.items():
            message_type = messages[0].__msgtype__
            connection = writer.add_connection(topic, message_type, typestore=store)
            for number, message in enumerate(messages):
                serialise = store.serialize_cdr if ros == 2 else store.serialize_ros1
                writer.write(connection, (100 + number) * SECOND, serialise(message, message_type))
    return path if ros == 1 else next(file for file in path.iterdir() if file.suffix != ".yaml")


def split_bag(folder: Path, parts: list[list], topic: str = "/sonar", compression: str | None = None) -> Path:
    """Write a ROS 2 recording that was split into several files.

    Args:
        folder: the folder of the recording.
        parts: the messages of each file.
        topic: their topic.
        compression: as for `write_bag`.

    Returns:
        The ``metadata.yaml``.
    """
    folder.mkdir(parents=True)
    names = []
    for number, messages in enumerate(parts):
        file = write_bag(folder / f"part{number}", {topic: messages}, 2, "sqlite3", compression)
        names.append(f"{folder.name}_{number}{''.join(file.suffixes)}")
        file.rename(folder / names[-1])
        text = (folder / f"part{number}" / "metadata.yaml").read_text()
        (folder / f"part{number}" / "metadata.yaml").unlink()
        (folder / f"part{number}").rmdir()
    content = YAML(typ="safe").load(text)
    info = content["rosbag2_bagfile_information"]
    info["relative_file_paths"] = names
    info["message_count"] = sum(map(len, parts))
    info["topics_with_message_count"][0]["message_count"] = sum(map(len, parts))
    info["files"] = [
        {**info["files"][0], "path": name, "message_count": len(messages)}
        for name, messages in zip(names, parts, strict=True)
    ]
    with (folder / "metadata.yaml").open("w") as stream:
        YAML(typ="safe").dump(content, stream)
    return folder / "metadata.yaml"
