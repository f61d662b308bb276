"""Writes what `sonar_debris.frames.sidecar` reads."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.sidecar import FORMAT_VERSION, NAME
from sonar_debris.outputs.atomic import atomic_text


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
    with atomic_text(folder / NAME) as stream:
        json.dump({"format_version": FORMAT_VERSION, "files": files}, stream, indent=1)
