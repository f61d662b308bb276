"""Describe a file of frames: format, sonar, number of frames, time span, fan and position."""

from pathlib import Path
from typing import Any

from sonar_debris.frames.frame import ALL_FRAMES, Frame, FrameReadError, FrameSelection
from sonar_debris.frames.loader import open_frames
from sonar_debris.frames.readers import find_format

# No format says whether the sonar's compass is corrected for the magnetic declination.
HEADING_REFERENCE = "compass of the sonar: magnetic north, unless the sonar corrects it; see --heading-offset"


def describe(path: Path, selection: FrameSelection = ALL_FRAMES) -> dict[str, Any]:
    """Describe a file of frames.

    Args:
        path: a file of a known format.
        selection: the topic, if the file has several, and whether the frames are mirrored.

    Returns:
        The values by names that carry their units; values that are not known are left out.

    Raises:
        FrameReadError: the file cannot be read.
    """
    frame = first_frame(path, selection)
    try:
        file_format = find_format(path)
        count = file_format.count_frames(path, selection.topic)
        estimate = file_format.estimate(path) if count is None else None
        details = file_format.describe_file(path, selection.topic)
    except (OSError, ValueError) as error:
        raise FrameReadError(str(path), getattr(error, "strerror", None) or str(error)) from error
    rows, cols = frame.image.shape
    description = {
        "file": str(path),
        "format": file_format.name,
        "frames": count,
        "frames_estimated": estimate,
        **details,
        "mirrored": selection.mirror or None,
        "rows": rows,
        "cols": cols,
        **_describe_frame(frame),
    }
    return {name: value for name, value in description.items() if value is not None}


def first_frame(path: Path, selection: FrameSelection = ALL_FRAMES) -> Frame:
    """Read the first frame of a file that is not damaged.

    Args:
        path: a file of a known format.
        selection: the topic, if the file has several, and whether the frame is mirrored.

    Returns:
        The frame.

    Raises:
        FrameReadError: no frame of the file can be read.
    """
    errors: list[FrameReadError] = []
    for frame in open_frames(path, errors.append, selection):
        return frame
    raise errors[0] if errors else FrameReadError(str(path), "it holds no frames")


def _describe_frame(frame: Frame) -> dict[str, Any]:
    description: dict[str, Any] = {}
    if frame.geometry:
        description["metres_per_pixel"] = round(frame.geometry.metres_per_pixel, 5)
        description["field_of_view_deg"] = round(frame.geometry.field_of_view, 2)
    if frame.navigation:
        values = {
            "heading_deg": (frame.navigation.heading, 2),
            "latitude": (frame.navigation.latitude, 7),
            "longitude": (frame.navigation.longitude, 7),
            "depth_m": (frame.navigation.depth, 2),
            "altitude_m": (frame.navigation.altitude, 2),
        }
        description |= {key: round(value, decimals) for key, (value, decimals) in values.items() if value is not None}
        if frame.navigation.heading is not None:
            description["heading_reference"] = HEADING_REFERENCE
    return description
