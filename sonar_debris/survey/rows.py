"""What became of a frame, as rows of a survey's database."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sonar_debris.detection.detections import Detections
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.placement import place


@dataclass(frozen=True)
class Searched:
    """What became of one frame.

    Attributes:
        position: in its source.
        frame: a row of the table ``frame`` without its key.
        detections: rows of the table ``detection`` without their keys, best score first.
    """

    position: int
    frame: tuple
    detections: list[tuple] = field(default_factory=list)

    @property
    def failure(self) -> str | None:
        """Why it could not be read or searched."""
        return self.frame[-1]


def searched(frame: Frame, found: Detections) -> Searched:
    """The rows that a frame and what was found in it make."""
    rows, cols = frame.image.shape
    where = frame.navigation
    navigation = (where.heading, where.latitude, where.longitude, where.depth) if where else (None,) * 4
    boxes = zip(found.xyxy.tolist(), found.names, found.score, found.objectness, place(frame, found.xyxy), strict=True)
    return Searched(
        frame.index,
        (rows, cols, frame.time, *navigation, None),
        [_detection(*box) for box in boxes],
    )


def failed(position: int, reason: str) -> Searched:
    """The row of a frame that could not be read or searched."""
    return Searched(position, (None,) * 7 + (reason,))


def _detection(xyxy: Sequence[float], name: str, score: float, objectness: float, where: dict) -> tuple:
    left, top, right, bottom = xyxy
    box = (round(value, 3) for value in (left, top, right - left, bottom - top))
    keys = ("range_m", "bearing_deg", "width_m", "height_m", "latitude", "longitude")
    return (*box, name, round(float(score), 6), round(float(objectness), 6), *map(where.get, keys))
