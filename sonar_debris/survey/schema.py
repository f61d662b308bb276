"""The tables of a survey's database, and the statements that bring a database of an earlier version up to date.

Keys come from the data, never from the order of writing: an interrupted survey that was resumed has the same rows as an
uninterrupted one.
"""

VERSION = 5

REVIEWED_DETECTION = """
CREATE VIEW reviewed_detection AS        -- detections, with the class and the verdict of the last decision
SELECT detection.source, detection.position, detection.rank, x, y, w, h,
    CASE
        WHEN last.verdict != 'undecided' THEN last.class
        WHEN EXISTS (                    -- the sightings of an unknown object are unknown until a person names them
            SELECT * FROM sighting JOIN object ON object.id = sighting.object AND object.class = 'unknown'
            WHERE (sighting.source, sighting.position, sighting.rank)
                = (detection.source, detection.position, detection.rank)
        ) THEN 'unknown'
        ELSE detection.class
    END AS class,
    detection.class AS detected_class, score, objectness,
    range_m, bearing_deg, width_m, range_extent_m, latitude, longitude,
    IFNULL(last.verdict, 'undecided') AS verdict, IFNULL(last.whole_object, 0) AS whole_object, last.time AS decided,
    origin
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
    verdict TEXT NOT NULL, class TEXT NOT NULL, time REAL NOT NULL,
    whole_object INTEGER NOT NULL DEFAULT 0,
    origin TEXT NOT NULL DEFAULT 'model' -- of the detection
)
"""

CANDIDATE = """
CREATE TABLE candidate (                 -- detections that score too low to be reported, but count as evidence
    source INTEGER NOT NULL, position INTEGER NOT NULL,
    rank INTEGER NOT NULL,               -- continues those of the frame's detections
    x REAL, y REAL, w REAL, h REAL,
    class TEXT NOT NULL, score REAL NOT NULL, objectness REAL NOT NULL,
    range_m REAL, bearing_deg REAL, width_m REAL, range_extent_m REAL, latitude REAL, longitude REAL,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position) REFERENCES frame
) WITHOUT ROWID
"""

COMPLETE_FRAME = """
CREATE TABLE complete_frame (            -- frames in which a person labelled every object
    file TEXT NOT NULL,                  -- name of the source, or its path without links
    position INTEGER NOT NULL,
    time REAL NOT NULL,                  -- of the decision, in seconds since the epoch
    PRIMARY KEY (file, position)
) WITHOUT ROWID
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
    range_m REAL, bearing_deg REAL, width_m REAL, range_extent_m REAL, latitude REAL, longitude REAL,
    origin TEXT NOT NULL DEFAULT 'model', -- 'evidence': a candidate that shows an object; 'person': drawn in review
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position) REFERENCES frame
) WITHOUT ROWID
""",
    """
CREATE TABLE object (                    -- an object that one or more detections show
    id INTEGER PRIMARY KEY,
    class TEXT NOT NULL,                 -- that with the highest sum of its detections' scores, or 'unknown'
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
    duplicate INTEGER NOT NULL DEFAULT 0,  -- 1 if a better box in the same frame shows the object
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
    time REAL NOT NULL,                  -- seconds since the epoch; the same for all detections of an object
    whole_object INTEGER NOT NULL DEFAULT 0,  -- 1 if the verdict is on the object that the detection shows
    FOREIGN KEY (source, position, rank) REFERENCES detection
)
""",
    "CREATE INDEX decision_on ON decision (source, position, rank)",
    SET_ASIDE_DECISION,
    CANDIDATE,
    COMPLETE_FRAME,
    SETTING,
    REVIEWED_DETECTION,
)

# Statements that bring a database from the version of the key to the next.
MIGRATIONS = {
    1: ("ALTER TABLE counted RENAME TO tracking_state", "DROP VIEW judged"),
    2: (
        "DROP VIEW IF EXISTS reviewed_detection",
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
    ),
    3: (
        "DROP VIEW IF EXISTS reviewed_detection",
        "ALTER TABLE detection RENAME COLUMN height_m TO range_extent_m",
        "ALTER TABLE sighting ADD COLUMN duplicate INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE decision ADD COLUMN whole_object INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE set_aside_decision RENAME TO old_set_aside",
        SET_ASIDE_DECISION,
        """
        INSERT INTO set_aside_decision (id, file, position, rank, x, y, w, h, verdict, class, time)
        SELECT id, file, position, rank, x, y, w, h, verdict, class, time FROM old_set_aside
        """,
        "DROP TABLE old_set_aside",
        "DELETE FROM tracking_state",  # the objects are found again, with their duplicates
    ),
    4: (
        "DROP VIEW IF EXISTS reviewed_detection",
        "ALTER TABLE detection ADD COLUMN origin TEXT NOT NULL DEFAULT 'model'",
        "ALTER TABLE set_aside_decision RENAME TO old_set_aside",
        SET_ASIDE_DECISION,
        """
        INSERT INTO set_aside_decision (id, file, position, rank, x, y, w, h, verdict, class, time, whole_object)
        SELECT id, file, position, rank, x, y, w, h, verdict, class, time, whole_object FROM old_set_aside
        """,
        "DROP TABLE old_set_aside",
        CANDIDATE,
        COMPLETE_FRAME,
        REVIEWED_DETECTION,
    ),
}

_INTEGER = "typeof({0}) = 'integer'"
_NUMBER = "typeof({0}) IN ('real', 'integer') AND {0} BETWEEN -1e15 AND 1e15"
_SCORE = "typeof({0}) IN ('real', 'integer') AND {0} BETWEEN 0 AND 1"
_TEXT = "typeof({0}) = 'text'"
_ORIGIN = "{0} IN ('model', 'evidence', 'person')"


def _valid(*conditions: tuple[str, str], optional: tuple[tuple[str, str], ...] = ()) -> str:
    """Return an SQL condition on several columns.

    Args:
        *conditions: a condition, and the names of the columns that must meet it.
        optional: the same for columns that may be NULL.
    """
    required = [condition.format(name) for condition, names in conditions for name in names.split()]
    nullable = [
        f"({name} IS NULL OR {condition.format(name)})" for condition, names in optional for name in names.split()
    ]
    return " AND ".join(required + nullable)


_VALID_DETECTION = (
    _valid(
        (_INTEGER, "source position rank"),
        (_NUMBER, "x y w h"),
        (_SCORE, "score objectness"),
        (_TEXT, "class"),
        optional=((_NUMBER, "range_m bearing_deg width_m range_extent_m latitude longitude"),),
    )
    + " AND MIN(w, h) >= 0"
)

# What holds for each row of a table that is intact: SQLite stores values of any type in any column.
VALID_ROWS = {
    "source": _valid((_TEXT, "name"), optional=((_TEXT, "failure fingerprint sidecar"), (_INTEGER, "frames"))),
    "frame": _valid(
        (_INTEGER, "source"),
        ("{0} BETWEEN 0 AND 4e9 AND " + _INTEGER, "position"),
        optional=((_TEXT, "failure"), (_NUMBER, "time heading latitude longitude depth")),
    )
    + " AND (failure IS NOT NULL OR typeof(rows) = 'integer' AND typeof(cols) = 'integer' AND MIN(rows, cols) > 0)",
    "detection": _VALID_DETECTION + " AND " + _valid((_ORIGIN, "origin")),
    "candidate": _VALID_DETECTION,
    "object": _valid(
        (_INTEGER, "source position rank frames"),
        (_TEXT, "class"),
        (_SCORE, "agreement score"),
        optional=((_NUMBER, "first_time last_time latitude longitude position_scatter_m"),),
    ),
    "sighting": _valid((_INTEGER, "source position rank object duplicate")),
    "tracking_state": _valid((_INTEGER, "frames decision")),
    "decision": _valid((_INTEGER, "source position rank whole_object"), (_TEXT, "verdict class"), (_NUMBER, "time")),
    "set_aside_decision": _valid(
        (_INTEGER, "position rank"), (_TEXT, "file verdict class"), (_NUMBER, "x y w h time"), (_ORIGIN, "origin")
    ),
    "complete_frame": _valid((_INTEGER, "position"), (_TEXT, "file"), (_NUMBER, "time")),
    "setting": _valid((_TEXT, "name value")),
}
