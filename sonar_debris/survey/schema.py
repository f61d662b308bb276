"""The tables of a survey's database, and the records that their rows hold.

Keys come from the data, never from the order of writing: an interrupted survey that was resumed has the same rows as an
uninterrupted one.
"""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import NamedTuple

VERSION = 3

REVIEWED_DETECTION = """
CREATE VIEW reviewed_detection AS        -- detections, with the class and the verdict of the last decision
SELECT detection.source, detection.position, detection.rank, x, y, w, h, IFNULL(last.class, detection.class) AS class,
    score, objectness, range_m, bearing_deg, width_m, height_m, latitude, longitude,
    IFNULL(last.verdict, 'undecided') AS verdict
FROM detection LEFT JOIN decision AS last ON last.id = (
    SELECT MAX(id) FROM decision
    WHERE (source, position, rank) = (detection.source, detection.position, detection.rank)
)
"""

SET_ASIDE_DECISION = """
CREATE TABLE set_aside_decision (        -- decisions on detections that were removed because their file changed
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,                  -- name of the source
    position INTEGER NOT NULL, rank INTEGER NOT NULL,
    x REAL, y REAL, w REAL, h REAL,      -- the box of the detection
    verdict TEXT NOT NULL, class TEXT NOT NULL, time REAL NOT NULL
)
"""

SETTING = """
CREATE TABLE setting (                   -- what manifest.json holds, and the survey's folder
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL                  -- JSON
) WITHOUT ROWID
"""

TABLES = (
    """
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,           -- the file in outputs: the input as first given, and the file in it
    frames INTEGER,                      -- number of frames; NULL until the file was read to its end
    failure TEXT,                        -- why the file could not be read, or not to its end
    path TEXT,                           -- absolute path; a BLOB if it is not UTF-8; NULL in surveys of version 2
    real_path TEXT,                      -- the same without links: which file it is
    relative TEXT,                       -- its path in the input folder
    size INTEGER, mtime INTEGER,         -- bytes, and nanoseconds since the epoch, before it was read
    fingerprint TEXT,                    -- hash of its first and last bytes
    sidecar TEXT                         -- hash of what geometry.json says of it
)
""",
    """
CREATE TABLE frame (
    source INTEGER NOT NULL REFERENCES source,
    position INTEGER NOT NULL,           -- in its source, from 0
    rows INTEGER, cols INTEGER,          -- pixels
    time REAL,                           -- seconds since the epoch
    heading REAL, latitude REAL, longitude REAL, depth REAL,  -- of the sonar: degrees, metres
    failure TEXT,                        -- why the frame could not be read or processed
    PRIMARY KEY (source, position)
) WITHOUT ROWID
""",
    """
CREATE TABLE detection (
    source INTEGER NOT NULL, position INTEGER NOT NULL,
    rank INTEGER NOT NULL,               -- in its frame, from 0, highest score first
    x REAL, y REAL, w REAL, h REAL,      -- box in pixels of the frame: left, top, width, height
    class TEXT NOT NULL, score REAL NOT NULL, objectness REAL NOT NULL,
    range_m REAL, bearing_deg REAL, width_m REAL, height_m REAL, latitude REAL, longitude REAL,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position) REFERENCES frame
) WITHOUT ROWID
""",
    """
CREATE TABLE object (                    -- an object that one or more detections show
    id INTEGER PRIMARY KEY,
    class TEXT NOT NULL,                 -- the class with the highest sum of its detections' scores
    agreement REAL NOT NULL,             -- that sum as a share of the sum over all classes
    score REAL NOT NULL,                 -- highest score of a detection of that class
    frames INTEGER NOT NULL,             -- number of frames that show the object
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,  -- the detection with that score
    first_time REAL, last_time REAL,     -- seconds since the epoch
    latitude REAL, longitude REAL,       -- mean over its detections, degrees
    position_scatter_m REAL,             -- standard deviation of its detections' positions
    FOREIGN KEY (source, position, rank) REFERENCES detection
)
""",
    """
CREATE TABLE sighting (                  -- which object a detection shows
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    object INTEGER NOT NULL REFERENCES object,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position, rank) REFERENCES detection
) WITHOUT ROWID
""",
    """
CREATE TABLE tracking_state (            -- from what the objects were computed: one row, or none
    frames INTEGER NOT NULL,             -- number of frames
    decision INTEGER NOT NULL            -- id of the last decision, or 0
)
""",
    """
CREATE TABLE decision (                  -- a person's verdict on a detection; the last one counts
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'undecided')),
    class TEXT NOT NULL,                 -- the class that the person chose
    time REAL NOT NULL,                  -- seconds since the epoch
    FOREIGN KEY (source, position, rank) REFERENCES detection
)
""",
    "CREATE INDEX decision_on ON decision (source, position, rank)",
    SET_ASIDE_DECISION,
    SETTING,
    REVIEWED_DETECTION,
)

# Statements that bring a database from the version of the key to the next.
MIGRATIONS = {
    1: ("ALTER TABLE counted RENAME TO tracking_state", "DROP VIEW judged", REVIEWED_DETECTION),
    2: (
        "DROP VIEW reviewed_detection",
        "ALTER TABLE source ADD COLUMN path TEXT",
        "ALTER TABLE source ADD COLUMN real_path TEXT",
        "ALTER TABLE source ADD COLUMN relative TEXT",
        "ALTER TABLE source ADD COLUMN size INTEGER",
        "ALTER TABLE source ADD COLUMN mtime INTEGER",
        "ALTER TABLE source ADD COLUMN fingerprint TEXT",
        "ALTER TABLE source ADD COLUMN sidecar TEXT",
        "ALTER TABLE object RENAME COLUMN spread_m TO position_scatter_m",
        SET_ASIDE_DECISION,
        SETTING,
        REVIEWED_DETECTION,
    ),
}


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
        width_m: width of the box in metres.
        height_m: height of the box in metres.
        latitude: of the box's centre, in degrees (WGS 84).
        longitude: of the box's centre, in degrees (WGS 84).
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
    height_m: float | None = None
    latitude: float | None = None
    longitude: float | None = None


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
    """A row of the table ``sighting``: a detection and the object that it shows."""

    source: int
    position: int
    rank: int
    object: int


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
        has_detections: whether any of its frames shows a detection.
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
