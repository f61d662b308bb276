"""One forward-looking-sonar frame, as every other room sees it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.navigation import Navigation


@dataclass(frozen=True)
class Frame:
    """A fan-shaped (Cartesian) sonar frame.

    Attributes:
        image: ``(rows, cols)`` float32, finite. Integer sources are scaled by their type's maximum to
            [0, 1]; float sources keep their values. Range grows upwards; outside the fan is 0.
        source: the file that the frame was read from.
        name: the file's name as reports show it: relative to the folder that was opened, or as given.
        index: position of the frame in its file, 0 for a still image.
        time: seconds since the epoch, or None where the file does not say.
        geometry: where its pixels lie, or None where that is not known.
        navigation: where the sonar was, or None where the file does not say.
    """

    image: np.ndarray
    source: Path
    name: str
    index: int = 0
    time: float | None = None
    geometry: FanGeometry | None = None
    navigation: Navigation | None = None

    def as_bytes(self) -> np.ndarray:
        """The image as uint8: 255 for 1 and all that is brighter."""
        return np.rint(self.image.clip(0, 1) * 255).astype(np.uint8)
