"""The fan of plain images, from what the user knows of the sonar's settings."""

from dataclasses import dataclass, replace

import numpy as np

from sonar_debris.frames.fan_outline import measure_outline
from sonar_debris.frames.frame import Frame
from sonar_debris.frames.geometry import FanGeometry


@dataclass(frozen=True)
class RangeWindow:
    """What the user knows.

    Attributes:
        max_range: of the farthest echoes, in metres.
        min_range: of the nearest, in metres; of no meaning without ``field_of_view``.
        field_of_view: degrees between the fan's sides, if known. Then the fan is taken to fill the frame from its
            lowest row to its highest, its axis in the middle; else it is measured on the black around it.
    """

    max_range: float
    min_range: float = 0.0
    field_of_view: float | None = None

    def add_to(self, frame: Frame) -> Frame:
        """The frame with its fan, unless it already has one.

        Raises:
            ValueError: the settings make no fan, or its outline cannot be measured.
        """
        return frame if frame.geometry else replace(frame, geometry=self._fan(frame.image))

    def _fan(self, image: np.ndarray) -> FanGeometry:
        if self.field_of_view is None:
            apex, min_radius, max_radius, field_of_view = measure_outline(image)
            scale = self.max_range / max_radius
            return FanGeometry(apex, scale, min_radius * scale, self.max_range, field_of_view)
        fan = FanGeometry.of_window(image.shape[0], self.min_range, self.max_range, self.field_of_view)
        return replace(fan, apex=(image.shape[1] / 2, fan.apex[1]))
