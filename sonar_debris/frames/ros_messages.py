"""Definitions of the ROS messages that have frames, and their conversion to frames.

Reference:
    marine_acoustic_msgs, https://github.com/apl-ocean-engineering/marine_msgs: messages with beams and samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from sonar_debris.frames.frame import RawFrame
from sonar_debris.frames.pixels import check_shape, silent_opencv, to_grey
from sonar_debris.frames.scan_conversion import convert_scan

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
# A fan is off its axis if its middle is farther from the axis than this part of its field of view.
MAX_OFFSET = 0.1
_COMPRESSED_FORMATS = ("JPEG", "PNG", "TIFF")
_AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
# NumPy's names of the sample types, in the order of the message's field dtype.
_SAMPLE_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def convert_message(message: Any, message_type: str, recorded: float, index: int) -> RawFrame:
    """Convert a message to a frame.

    Args:
        message: the message, as rosbags deserializes it.
        message_type: its type, one of ``FRAME_TYPES``.
        recorded: time of recording in seconds since the epoch, for messages without a time stamp.
        index: position of the frame in its recording.

    Returns:
        The frame.

    Raises:
        ValueError: the message is damaged.
    """
    with _single_error_type():
        stamp = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        time = stamp or recorded
        if message_type != PROJECTED:
            return RawFrame(to_grey(_decode_image(message)), index, time)
        echoes, bearings, first_range, range_step = _read_scan(message)
        image, fan = convert_scan(echoes, bearings, first_range, range_step)
        frequency = float(message.ping_info.frequency) / 1e6  # drivers that do not know it write 0 or NaN
        return RawFrame(to_grey(image), index, time, fan, frequency=frequency if 0 < frequency < np.inf else None)


@contextmanager
def _single_error_type() -> Iterator[None]:
    """Turn every error that a damaged message makes OpenCV, NumPy or rosbags raise into a ValueError."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"the message is damaged ({error or type(error).__name__})") from error


def _decode_image(message: Any) -> np.ndarray:
    """Return the pixels of an image message; colour is RGB."""
    if hasattr(message, "format"):  # sensor_msgs/CompressedImage
        return _decode_compressed(bytes(message.data))
    from rosbags.image import message_to_cvimage

    check_shape((int(message.height), int(message.width)))
    try:
        pixels: np.ndarray = message_to_cvimage(message)
        row_bytes = pixels.nbytes // pixels.shape[0]
        if message.step > row_bytes:  # the rows are padded, which rosbags does not consider
            rows = np.asarray(message.data)[: message.height * message.step].reshape(message.height, message.step)
            message = replace(message, data=rows[:, :row_bytes].ravel(), step=row_bytes)
            pixels = message_to_cvimage(message)
        if pixels.ndim > 2 and pixels.shape[2] > 1:
            pixels = message_to_cvimage(message, "rgb8")
    except Exception as error:  # OpenCV and rosbags raise errors of many types for a damaged message
        raise ValueError(f"the image cannot be decoded ({error or type(error).__name__})") from error
    return pixels


def _decode_compressed(data: bytes) -> np.ndarray:
    """Return the pixels of a JPEG, PNG or TIFF; rosbags would reduce 16 bits to 8."""
    try:
        with silent_opencv(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = Image.open(BytesIO(data), formats=_COMPRESSED_FORMATS)
            check_shape((header.height, header.width))
            header.verify()
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    except UnidentifiedImageError:
        raise ValueError(f"the image cannot be decoded: it is none of {', '.join(_COMPRESSED_FORMATS)}") from None
    except Exception as error:  # OpenCV and Pillow raise errors of many types for a damaged image
        raise ValueError(f"the image cannot be decoded ({error})") from error
    if pixels is None:
        raise ValueError("the image cannot be decoded: damaged or truncated")
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _read_scan(message: Any) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return echoes ``(samples, beams)``, bearings in degrees, first range and range step in metres.

    The leftmost beam comes first.
    """
    ranges = np.asarray(message.ranges, float)
    bearings, _ = compute_bearings(message.beam_directions)
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


def compute_bearings(directions: Any) -> tuple[np.ndarray, str]:
    """Compute the bearings of the beams of a `ProjectedSonarImage`.

    The message says that z points ahead; in its first version x did. The axis with the greater mean is taken. With z
    ahead, starboard is -y, as the Oculus driver of the message's authors writes it and their viewer reads it. With x
    ahead, starboard is +y, as in any north-east-down frame. Some drivers begin their fan at an axis: that fan is turned
    until its middle is ahead.

    Args:
        directions: the beams' directions, with attributes ``x``, ``y`` and ``z``.

    Returns:
        Bearings ``(beams,)`` in degrees, positive to starboard, in the order of the beams; and the convention by which
        they were computed, as a text.

    Example:
        >>> from types import SimpleNamespace
        >>> bearings, convention = compute_bearings([SimpleNamespace(x=0, y=-1, z=1), SimpleNamespace(x=0, y=1, z=1)])
        >>> bearings.round(3).tolist(), convention
        ([45.0, -45.0], 'z ahead, starboard is -y')
    """
    xyz = np.array([[vector.x, vector.y, vector.z] for vector in directions], float).reshape(-1, 3)
    if not len(xyz):
        return np.zeros(0), "no beams"
    x_is_ahead = xyz[:, 0].mean() > xyz[:, 2].mean()
    right, ahead = (xyz[:, 1], xyz[:, 0]) if x_is_ahead else (-xyz[:, 1], xyz[:, 2])
    convention = "x ahead, starboard is +y" if x_is_ahead else "z ahead, starboard is -y"
    bearings: np.ndarray = np.degrees(np.arctan2(right, ahead))
    middle = (bearings.min() + bearings.max()) / 2
    if _begins_at_axis(bearings) and abs(middle) > MAX_OFFSET * np.ptp(bearings):
        return (
            bearings - middle,
            f"{convention}; turned by {-middle:.1f} degrees so that the middle of the fan is ahead",
        )
    return bearings, convention


def _begins_at_axis(bearings: np.ndarray) -> bool:
    """Return whether an outermost beam points ahead or to one side, to a beam's width."""
    beam_width = np.ptp(bearings) / max(1, len(bearings) - 1)
    distances = np.abs([[edge - axis for axis in (-90, 0, 90)] for edge in (bearings.min(), bearings.max())])
    return bool(distances.min() <= beam_width)


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
