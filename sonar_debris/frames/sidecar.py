"""Geometry, navigation and time of frames whose own format cannot hold them: ``geometry.json`` in their folder.

One object: ``format_version`` and ``files``, in which each file's name stands for a list of what is known of its
frames, in order: ``geometry``, ``navigation`` and ``time``, with the attributes of `FanGeometry`, `Navigation` and
`Frame`.

MERGED:
Writes what `sonar_debris.frames.sidecar` reads.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

from sonar_debris.files import atomic_text
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry, Navigation

SIDECAR_FILE, FORMAT_VERSION = "geometry.json", 1


def apply_sidecar(frame: Frame) -> Frame:
    """The frame with what the sidecar in its folder knows of it and the frame itself does not.

    Raises:
        ValueError: the sidecar cannot be understood.
    """
    path = frame.source.parent / SIDECAR_FILE
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
        raise ValueError(f"{SIDECAR_FILE} beside it cannot be understood ({error})") from error


def _parse(about: dict) -> dict:
    known: dict = {"time": None if about.get("time") is None else float(about["time"])}
    if "geometry" in about:
        known["geometry"] = FanGeometry(**about["geometry"] | {"apex": tuple(map(float, about["geometry"]["apex"]))})
    if "navigation" in about:
        known["navigation"] = Navigation(**about["navigation"])
    return known


def write_sidecar(folder: Path, frames: Iterable[tuple[str, Frame]]) -> None:
    """Write what is known of frames that were stored in a folder.

    Args:
        folder: where the frames' files lie.
        frames: the name of each frame's file, and the frame.
    """
    files: dict[str, list[dict]] = {}
    for name, frame in frames:
        parts = {"geometry": frame.geometry, "navigation": frame.navigation}
        about = {key: asdict(part) for key, part in parts.items() if part} | {"time": frame.time}
        files.setdefault(name, []).append(about)
    with atomic_text(folder / SIDECAR_FILE) as stream:
        json.dump({"format_version": FORMAT_VERSION, "files": files}, stream, indent=1)
