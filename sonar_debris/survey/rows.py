"""Rows that queries on a survey's database return."""

from typing import NamedTuple


class ClassTotals(NamedTuple):
    """What a survey holds of one class.

    Attributes:
        class_name: the class.
        detections: number of detections, without rejected ones.
        objects: number of objects.
        frames: sum over its objects of the number of frames that show the object.
        best_score: highest score of its objects, in [0, 1]; None if it has no objects.
    """

    class_name: str
    detections: int
    objects: int
    frames: int
    best_score: float | None


class StoredFrame(NamedTuple):
    """A frame of a survey.

    Attributes:
        file: name of the source.
        position: position of the frame in its source, from 0.
        rows: height in pixels; None if the frame could not be read or processed.
        cols: width in pixels.
        failure: why the frame could not be read or processed.
        time: seconds since the epoch; None if unknown.
    """

    file: str
    position: int
    rows: int | None
    cols: int | None
    failure: str | None
    time: float | None = None


class ObjectDetection(NamedTuple):
    """A detection that shows an object.

    Attributes:
        file: name of the source.
        position: position of the frame in its source, from 0.
        xyxy: left, top, right and bottom of the box in pixels.
        object: number of the object.
    """

    file: str
    position: int
    xyxy: tuple[float, float, float, float]
    object: int


class ReviewedDetection(NamedTuple):
    """What the report's filters need of a detection.

    Attributes:
        source: id of the source.
        class_name: the class.
        score: in [0, 1].
        verdict: ``accepted``, ``rejected`` or ``undecided``.
    """

    source: int
    class_name: str
    score: float
    verdict: str


class DetectionInFrame(NamedTuple):
    """A detection and the frame that shows it; unknown values are None.

    Attributes:
        source: id of the source.
        position: position of the frame in its source, from 0.
        rows: height of the frame in pixels.
        cols: width of the frame in pixels.
        time: of the frame, in seconds since the epoch.
        x: left side of the box in pixels; this and all that follow as in `DetectionRecord`.
    """

    source: int
    position: int
    rows: int
    cols: int
    time: float | None
    x: float
    y: float
    w: float
    h: float
    range_m: float | None
    bearing_deg: float | None
    width_m: float | None
    range_extent_m: float | None
    latitude: float | None
    longitude: float | None


class UnreviewedFrame(NamedTuple):
    """A frame that was read, and whose detections were not all reviewed.

    Attributes:
        source: id of the source.
        file: name of the source.
        position: position of the frame in its source, from 0.
        uncertainty: sum of score · (1 - score) over its undecided detections; 0 without any.
    """

    source: int
    file: str
    position: int
    uncertainty: float
