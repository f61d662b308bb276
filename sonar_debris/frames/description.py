"""What a file of frames is: format, sonar, number of frames, time span, range window, position."""

from pathlib import Path

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.opening import open_frames
from sonar_debris.frames.readers import find_format


def describe(path: Path) -> dict:
    """What is known of a file, by names that carry the unit; what is not known is left out.

    Args:
        path: a file of a known format.

    Raises:
        FrameReadError: it cannot be read.
    """
    first = next(open_frames(path))
    kind = find_format(path)
    about = {
        "file": str(path),
        "format": kind.name,
        "frames": kind.count(path),
        "rows": first.image.shape[0],
        "cols": first.image.shape[1],
    }
    return about | kind.describe(path) | _describe_frame(first)


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
