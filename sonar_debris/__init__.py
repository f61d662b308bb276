"""Finds and names debris in forward-looking-sonar frames.

The names below are imported when they are first used, so that ``import sonar_debris`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sonar_debris.detections import Detections
    from sonar_debris.detectors.base import DebrisDetector
    from sonar_debris.frames import Frame, open_frames

__version__ = "0.1.0"

__all__ = ["DebrisDetector", "Detections", "Frame", "__version__", "open_frames"]

_HOMES = {
    "DebrisDetector": "sonar_debris.detectors.base",
    "Detections": "sonar_debris.detections",
    "Frame": "sonar_debris.frames",
    "open_frames": "sonar_debris.frames",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
