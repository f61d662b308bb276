"""The records of a survey: rows of its database's tables, and parts of them."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import NamedTuple


class DetectionKey(NamedTuple):
    """Primary key of a detection.

    Attributes:
        source: id of the source.
        position: position of the frame in its source, from 0.
        rank: rank of the detection in its frame, from 0, highest score first.
    """

    source: int
    position: int
    rank: int


class Decision(NamedTuple):
    """A row of the table ``decision``, without its id.

    Attributes:
        detection: key of the detection.
        verdict: ``accepted``, ``rejected`` or ``undecided``.
        class_name: the class that the person chose.
        time: seconds since the epoch; the same for all detections of an object.
        whole_object: whether the verdict is on the object that the detection shows.
    """

    detection: DetectionKey
    verdict: str
    class_name: str
    time: float
    whole_object: bool = False


@dataclass(frozen=True)
class DetectionRecord:
    """A row of the table ``detection``, without its key.

    Attributes:
        x: left side of the box, in pixels of the frame.
        y: upper side of the box, in pixels.
        w: width of the box, in pixels.
        h: height of the box, in pixels.
        class_name: class of the detection.
        score: in [0, 1].
        objectness: in [0, 1].
        range_m: distance of the box's centre from the sonar in metres; None if unknown, like all that follow.
        bearing_deg: bearing of the box's centre in degrees, to the right of the sonar's axis.
        width_m: extent of the box across range, in metres.
        range_extent_m: extent of the box along range, in metres.
        latitude: of the box's centre, in degrees (WGS 84).
        longitude: of the box's centre, in degrees (WGS 84).
        origin: ``model``; ``evidence`` if its score is too low to be reported, but it shows an object; or ``person`` if
            it was drawn in review.
    """

    x: float
    y: float
    w: float
    h: float
    class_name: str
    score: float
    objectness: float
    range_m: float | None = None
    bearing_deg: float | None = None
    width_m: float | None = None
    range_extent_m: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    origin: str = "model"


@dataclass(frozen=True)
class FrameRecord:
    """A row of the table ``frame``, without its source, and the detections in that frame.

    Attributes:
        position: position of the frame in its source, from 0.
        rows: height in pixels; None if the frame could not be read or processed.
        cols: width in pixels.
        time: seconds since the epoch.
        heading: of the sonar, in degrees clockwise from north.
        latitude: of the sonar, in degrees (WGS 84).
        longitude: of the sonar, in degrees (WGS 84).
        depth: of the sonar, in metres.
        failure: why the frame could not be read or processed.
        detections: highest score first.
        candidates: detections that score too low to be reported, highest score first.
    """

    position: int
    rows: int | None = None
    cols: int | None = None
    time: float | None = None
    heading: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    depth: float | None = None
    failure: str | None = None
    detections: list[DetectionRecord] = field(default_factory=list)
    candidates: list[DetectionRecord] = field(default_factory=list)


@dataclass(frozen=True)
class ObjectRecord:
    """A row of the table ``object``: a tracked object, counted once.

    Attributes:
        id: number of the object, from 1.
        class_name: the class with the highest sum of its detections' scores.
        agreement: that sum as a share of the sum over all classes, in (0, 1].
        score: highest score of a detection of that class.
        frames: number of frames that show the object.
        source: id of the source of the detection with that score.
        position: position of that detection's frame in its source.
        rank: rank of that detection in its frame.
        first_time: time of the first detection, in seconds since the epoch; None if unknown, like all that follow.
        last_time: time of the last detection.
        latitude: mean over its detections, in degrees (WGS 84).
        longitude: mean over its detections, in degrees (WGS 84).
        position_scatter_m: standard deviation of its detections' positions, in metres; not an accuracy.
        file: name of the source; the store fills it in when it reads objects.
    """

    id: int
    class_name: str
    agreement: float
    score: float
    frames: int
    source: int
    position: int
    rank: int
    first_time: float | None = None
    last_time: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    position_scatter_m: float | None = None
    file: str = ""


class Sighting(NamedTuple):
    """A row of the table ``sighting``: a detection and the object that it shows.

    Attributes:
        source: id of the source.
        position: position of the frame in its source.
        rank: rank of the detection in its frame.
        object: number of the object.
        duplicate: whether a better box in the same frame shows the object; then the detection does not count.
    """

    source: int
    position: int
    rank: int
    object: int
    duplicate: bool = False


class TrackingState(NamedTuple):
    """From what the objects were computed, or would be now.

    Attributes:
        frames: number of frames stored.
        decision: id of the last decision, or 0.
    """

    frames: int
    decision: int


class FileState(NamedTuple):
    """What tells whether a file has changed; all is None if the file could not be opened, or in surveys of version 2.

    Attributes:
        size: in bytes.
        mtime: time of the last change, in nanoseconds since the epoch.
        fingerprint: hash of its first and last bytes; None if the source consists of several files.
        sidecar: hash of what the ``geometry.json`` in its folder says of it; None if there is nothing.
    """

    size: int | None = None
    mtime: int | None = None
    fingerprint: str | None = None
    sidecar: str | None = None


class SourceRecord(NamedTuple):
    """A row of the table ``source``, and which of its frames are stored.

    Attributes:
        id: key of the source.
        name: the file in outputs.
        path: absolute path of the file; None in surveys of version 2, like ``real_path`` and ``relative``.
        real_path: the same without links.
        relative: path of the file in the input folder.
        state: of the file, before it was read.
        frames: number of frames; None until the file was read to its end.
        failure: why the file could not be read, or not to its end.
        next_position: position after that of the last frame that is stored.
        last_intact_position: position of the last frame that is stored and has no failure; None if there is none.
    """

    id: int
    name: str
    path: str | None = None
    real_path: str | None = None
    relative: str | None = None
    state: FileState = FileState()
    frames: int | None = None
    failure: str | None = None
    next_position: int = 0
    last_intact_position: int | None = None


class TrackedSource(NamedTuple):
    """A source with frames, as tracking sees it.

    Attributes:
        id: key of the source.
        path: the file; its name in outputs in surveys of version 2.
        frames: number of frames that are stored.
        first_position: position of the first frame.
        last_position: position of the last frame.
        first_time: earliest time of a frame in seconds since the epoch; None if no time is known.
        last_time: latest time of a frame.
        rows: height of the frames in pixels; None if they differ or are not known.
        cols: width of the frames in pixels.
        has_detections: whether any of its frames has a detection or a candidate.
    """

    id: int
    path: PurePath
    frames: int
    first_position: int
    last_position: int
    first_time: float | None
    last_time: float | None
    rows: int | None
    cols: int | None
    has_detections: bool


class SurveyCounts(NamedTuple):
    """What a survey's database holds.

    Attributes:
        sources: number of sources.
        failed_sources: number of sources that could not be read, or not to their end.
        frames: number of frames, including failed ones.
        failed_frames: number of frames that could not be read or processed.
        detections: number of detections.
    """

    sources: int
    failed_sources: int
    frames: int
    failed_frames: int
    detections: int

    @property
    def failures(self) -> int:
        """Number of failed sources and frames."""
        return self.failed_sources + self.failed_frames


class Failure(NamedTuple):
    """A source or frame that could not be read or processed.

    Attributes:
        file: name of the source.
        frame: position of the frame in its source; None if the source failed.
        reason: what is wrong with it.
    """

    file: str
    frame: int | None
    reason: str
