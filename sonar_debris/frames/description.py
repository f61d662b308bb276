"""What a file of frames is: format, sonar, number of frames, time span, range window, position."""

from datetime import UTC, datetime
from pathlib import Path

from sonar_debris.frames.aris_format import SYSTEMS
from sonar_debris.frames.aris_recording import ArisRecording, ranges
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
    if kind.read.__name__ == "read_aris":
        about |= _describe_aris(ArisRecording(path))
    return about | _describe_frame(first)


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


def _describe_aris(recording: ArisRecording) -> dict:
    first, last = recording.header(0), recording.header(len(recording) - 1)
    begin, step = ranges(first)
    return {
        "sonar": SYSTEMS[int(first["system"])],
        "beams": recording.beams,
        "samples_per_beam": recording.samples,
        "large_lens": bool(first["large_lens"]),
        "sound_speed_m_s": round(float(first["sound_speed"]), 2),
        "range_m": [round(begin, 3), round(begin + recording.samples * step, 3)],
        "frame_rate_hz": round(float(first["frame_rate"]), 3),
        "time": [_iso(header) for header in (first, last)],
        "bytes_left_over": recording.left_over,
    }


def _iso(header) -> str:
    return datetime.fromtimestamp(int(header["frame_time"]) / 1e6, UTC).isoformat(timespec="milliseconds")
