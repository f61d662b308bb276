"""Geometry, navigation and time of frames whose own format cannot hold them: ``geometry.json`` in their folder.

One object: ``format_version`` and ``files``, in which each file's name stands for a list of what is known of its
frames, in order: ``geometry``, ``navigation`` and ``time``, with the attributes of `FanGeometry`, `Navigation` and
`Frame`.
"""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.navigation import Navigation

NAME, FORMAT_VERSION = "geometry.json", 1


def with_sidecar(frame: Frame) -> Frame:
    """The frame with what the sidecar in its folder knows of it and the frame itself does not.

    Raises:
        ValueError: the sidecar cannot be understood.
    """
    path = frame.source.parent / NAME
    if frame.geometry or not path.is_file():
        return frame
    known = _read(path, path.stat().st_mtime_ns).get(frame.source.name, [])
    return replace(frame, **known[frame.index]) if frame.index < len(known) else frame


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, list[dict]]:
    """What a sidecar holds; read again after it has changed."""
    try:
        content = json.loads(path.read_text())
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError("made by another version of sonar-debris")
        return {name: [_parse(about) for about in frames] for name, frames in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{NAME} beside it cannot be understood ({error})") from error


def _parse(about: dict) -> dict:
    known: dict = {"time": None if about.get("time") is None else float(about["time"])}
    if "geometry" in about:
        known["geometry"] = FanGeometry(**about["geometry"] | {"apex": tuple(map(float, about["geometry"]["apex"]))})
    if "navigation" in about:
        known["navigation"] = Navigation(**about["navigation"])
    return known
