"""Geometry, navigation and time of frames whose file format cannot store them: ``geometry.json`` in their folder.

The file has one JSON object with ``format_version`` and ``files``. ``files`` gives for each file name a list with one
object per frame, in order: ``geometry``, ``navigation``, ``time``, ``sonar`` and ``frequency``, with the attributes of
`FanGeometry`, `Navigation` and `Frame`.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sonar_debris.errors import one_line
from sonar_debris.files import atomic_text, check_regular_file
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry, Navigation

SIDECAR_FILE, FORMAT_VERSION = "geometry.json", 1


def apply_sidecar(frame: Frame) -> Frame:
    """Return a frame with geometry, navigation and time from the sidecar in its folder.

    A frame that has a geometry already, or that the sidecar does not list, is returned as it is.

    Raises:
        ValueError: the sidecar is damaged.
    """
    path = frame.source.parent / SIDECAR_FILE
    if frame.geometry:
        return frame
    try:
        modified_ns = path.stat().st_mtime_ns
    except FileNotFoundError:
        return frame
    attributes = _read_sidecar(path, modified_ns).get(frame.source.name, [])
    return replace(frame, **attributes[frame.index]) if frame.index < len(attributes) else frame


def hash_sidecar(path: Path) -> str | None:
    """Return a hash of what the sidecar says of a file; None if there is nothing.

    Args:
        path: the file of frames.

    Returns:
        The hash, which changes if the sidecar changes for this file.
    """
    sidecar = path.parent / SIDECAR_FILE
    try:
        attributes = _read_sidecar(sidecar, sidecar.stat().st_mtime_ns).get(path.name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return "damaged"
    return hashlib.sha256(repr(attributes).encode()).hexdigest() if attributes else None


def write_sidecar(folder: Path, frames: Iterable[tuple[str, Frame]]) -> None:
    """Write the sidecar of the frames that were stored in a folder; entries of other files in it are kept.

    Args:
        folder: the folder of the frames' files.
        frames: file name and frame of each; the frames of one file in order.
    """
    files: dict[str, list[Any]] = {}
    for name, frame in frames:
        entry: dict[str, Any] = {}
        if frame.geometry:
            entry["geometry"] = asdict(frame.geometry)
        if frame.navigation:
            known = asdict(frame.navigation).items()
            entry["navigation"] = {name: value for name, value in known if value is not None}
        entry |= {"time": frame.time, "sonar": frame.sonar, "frequency": frame.frequency}
        files.setdefault(name, []).append(entry)
    others = {name: entries for name, entries in _list_entries(folder).items() if (folder / name).is_file()}
    with atomic_text(folder / SIDECAR_FILE) as stream:
        json.dump({"format_version": FORMAT_VERSION, "files": others | files}, stream, indent=1)


def _list_entries(folder: Path) -> dict[str, Any]:
    """Return the sidecar's entries by file, unchecked; none if it is missing or damaged."""
    try:
        check_regular_file(folder / SIDECAR_FILE)
        content = json.loads((folder / SIDECAR_FILE).read_text(encoding="utf-8"))
        return {name: entries for name, entries in content["files"].items() if "\0" not in name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


@lru_cache(maxsize=4)
def _read_sidecar(path: Path, modified_ns: int) -> dict[str, list[dict[str, Any]]]:
    """Return the attributes of the frames of each file.

    The time of the last change is part of the cache's key: a sidecar that was changed is read again.
    """
    try:
        check_regular_file(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError("made by another version of sonar-debris")
        return {name: [_parse_entry(entry) for entry in entries] for name, entries in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{SIDECAR_FILE} in its folder cannot be read ({one_line(error)}); repair or delete it"
        raise ValueError(message) from error


def _parse_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a `Frame` that an entry of the sidecar gives."""
    attributes: dict[str, Any] = {"time": None if entry.get("time") is None else _to_finite(entry["time"])}
    if entry.get("sonar") is not None:
        attributes["sonar"] = str(entry["sonar"])
    if entry.get("frequency") is not None:
        attributes["frequency"] = _to_finite(entry["frequency"])
    if "geometry" in entry:
        values = dict(entry["geometry"])
        x, y = values.pop("apex")
        numbers = {name: _to_finite(value) for name, value in values.items()}
        fan = FanGeometry(apex=(_to_finite(x), _to_finite(y)), **numbers)
        if not (fan.metres_per_pixel > 0 and 0 <= fan.min_range < fan.max_range and 0 < fan.field_of_view <= 360):
            raise ValueError(f"not the geometry of a fan: {entry['geometry']}")
        attributes["geometry"] = fan
    if "navigation" in entry:
        numbers = {name: _to_finite(value) for name, value in entry["navigation"].items() if value is not None}
        attributes["navigation"] = Navigation(**numbers)
    return attributes


def _to_finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a finite number")
    return number
