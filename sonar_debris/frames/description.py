"""What a file of frames is: format, sonar, number of frames, time span, range window, position."""

from pathlib import Path

from sonar_debris.frames.frame import Frame, FrameReadError
from sonar_debris.frames.loader import open_frames
from sonar_debris.frames.readers import find_format


def describe(path: Path) -> dict:
    """What is known of a file, by names that carry the unit; what is not known is left out.

    Args:
        path: a file of a known format.

    Raises:
        FrameReadError: it cannot be read.
    """
    first, kind = first_frame(path), find_format(path)
    try:
        about = {"file": str(path), "format": kind.name, "frames": kind.count(path), **kind.describe(path)}
    except (OSError, ValueError) as error:
        raise FrameReadError(str(path), str(error)) from error
    rows, cols = first.image.shape
    return about | {"rows": rows, "cols": cols} | _describe_frame(first)


def first_frame(path: Path) -> Frame:
    """The first frame of a file that can be read.

    Raises:
        FrameReadError: there is none.
    """
    errors: list[FrameReadError] = []
    for frame in open_frames(path, errors.append):
        return frame
    raise errors[0] if errors else FrameReadError(str(path), "it holds no frames")


def _describe_frame(frame: Frame) -> dict:
    about = {}
    if frame.geometry:
        about["metres_per_pixel"] = round(frame.geometry.metres_per_pixel, 5)
        about["field_of_view_deg"] = round(frame.geometry.field_of_view, 2)
    if frame.navigation:
        known = {"heading_deg": "heading", "latitude": "latitude", "longitude": "longitude", "depth_m": "depth"}
        values = {key: getattr(frame.navigation, name) for key, name in known.items()}
        digits = {"latitude": 7, "longitude": 7}
        about |= {key: round(value, digits.get(key, 2)) for key, value in values.items() if value is not None}
    return about
