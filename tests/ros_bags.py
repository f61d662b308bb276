"""Writes ROS bags for tests, as a sonar's driver would."""

from pathlib import Path

import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from sonar_debris.frames.ros import DEFINITIONS, PROJECTED

SECOND = 10**9


def typestore(ros: int = 2):
    """The messages of a driver for imaging sonars."""
    store = get_typestore(Stores.ROS2_HUMBLE if ros == 2 else Stores.ROS1_NOETIC)
    for kind, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, kind))
    return store


def header(store, seconds: float, ros: int = 2):
    """A header whose stamp tells a time."""
    stamp = store.types["builtin_interfaces/msg/Time"](int(seconds), round(seconds % 1 * SECOND))
    sequence = {"seq": 0} if ros == 1 else {}
    return store.types["std_msgs/msg/Header"](**sequence, stamp=stamp, frame_id="sonar")


def projected(store, echoes, bearings, ranges, seconds, ros: int = 2, ahead: str = "z", dtype: int = 0):
    """A ProjectedSonarImage of echoes ``(samples, beams)``; bearings in degrees."""
    vector, kinds = store.types["geometry_msgs/msg/Vector3"], store.types
    angles = np.radians(bearings)
    directions = [
        vector(**({"x": 0.0, "y": 0.0, "z": 0.0} | {"y": float(np.sin(angle)), ahead: float(np.cos(angle))}))
        for angle in angles
    ]
    nothing = np.zeros(0, np.float32)
    return kinds[PROJECTED](
        header(store, seconds, ros),
        kinds["marine_acoustic_msgs/msg/PingInfo"](1.2e6, 1500.0, nothing, nothing),
        directions,
        np.float32(ranges),
        kinds["marine_acoustic_msgs/msg/SonarImageData"](
            False, dtype, echoes.shape[1], np.frombuffer(np.ascontiguousarray(echoes).tobytes(), np.uint8)
        ),
    )


def image(store, pixels, seconds, encoding="mono8", ros: int = 2):
    """A sensor_msgs/Image."""
    data = np.frombuffer(pixels.tobytes(), np.uint8)
    rows, cols = pixels.shape[:2]
    kind = store.types["sensor_msgs/msg/Image"]
    return kind(header(store, seconds, ros), rows, cols, encoding, 0, len(data) // rows, data)


def write_bag(path: Path, topics: dict, ros: int = 2, storage: str = "mcap", define: bool = True) -> Path:
    """Write a bag.

    Args:
        path: the bag: a folder of ROS 2, a file of ROS 1.
        topics: for each topic's name its messages.
        ros: 1 or 2.
        storage: of ROS 2, ``mcap`` or ``sqlite3``.
        define: whether an mcap holds the messages' definitions.

    Returns:
        The file that holds the messages.
    """
    store = typestore(ros)
    if ros == 1:
        writer = Writer1(path)
    else:
        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        writer = Writer2(path, version=9, storage_plugin=plugin)
    with writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=store)
            for number, message in enumerate(messages):
                serialise = store.serialize_cdr if ros == 2 else store.serialize_ros1
                writer.write(connection, (100 + number) * SECOND, serialise(message, kind))
    return path if ros == 1 else next(file for file in path.iterdir() if file.suffix in (".mcap", ".db3"))
