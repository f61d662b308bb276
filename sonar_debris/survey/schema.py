"""The tables of a survey's database.

Keys come from the data, never from the order of writing: an interrupted survey that went on holds the same rows as an
undisturbed one.
"""

VERSION = 1

TABLES = (
    """
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,           -- the file, as the user named it
    frames INTEGER,                      -- how many it was found to hold, once it has been read to its end
    failure TEXT                         -- why it could not be read, or not to its end
)
""",
    """
CREATE TABLE frame (
    source INTEGER NOT NULL REFERENCES source,
    position INTEGER NOT NULL,           -- in its source, from 0
    rows INTEGER, cols INTEGER,          -- pixels
    time REAL,                           -- seconds since the epoch
    heading REAL, latitude REAL, longitude REAL, depth REAL,  -- of the sonar: degrees, metres
    failure TEXT,                        -- why it could not be read or searched
    PRIMARY KEY (source, position)
) WITHOUT ROWID
""",
    """
CREATE TABLE detection (
    source INTEGER NOT NULL, position INTEGER NOT NULL,
    rank INTEGER NOT NULL,               -- in its frame, from 0, best score first
    x REAL, y REAL, w REAL, h REAL,      -- box in pixels of the frame: left, top, width, height
    class TEXT NOT NULL, score REAL NOT NULL, objectness REAL NOT NULL,
    range_m REAL, bearing_deg REAL, width_m REAL, height_m REAL, latitude REAL, longitude REAL,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position) REFERENCES frame
) WITHOUT ROWID
""",
    """
CREATE TABLE object (                    -- what several detections show
    id INTEGER PRIMARY KEY,
    class TEXT NOT NULL,                 -- the likeliest by the sum of its detections' scores
    agreement REAL NOT NULL,             -- share of that sum among those of all classes
    score REAL NOT NULL,                 -- the best of the class
    frames INTEGER NOT NULL,             -- in which it was seen
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,  -- its best detection
    first_time REAL, last_time REAL,     -- seconds since the epoch
    latitude REAL, longitude REAL,       -- mean of its detections', degrees
    spread_m REAL,                       -- deviation of its detections from that
    FOREIGN KEY (source, position, rank) REFERENCES detection
)
""",
    """
CREATE TABLE sighting (                  -- which detections show an object
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    object INTEGER NOT NULL REFERENCES object,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position, rank) REFERENCES detection
) WITHOUT ROWID
""",
    """
CREATE TABLE counted (                   -- what the objects were found from: one row, or none
    frames INTEGER NOT NULL,             -- how many
    decision INTEGER NOT NULL            -- the last, or 0
)
""",
    """
CREATE TABLE decision (                  -- what a person said of a detection; of several the last counts
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'undecided')),
    class TEXT NOT NULL,                 -- what it shows
    time REAL NOT NULL,                  -- seconds since the epoch
    FOREIGN KEY (source, position, rank) REFERENCES detection
)
""",
    "CREATE INDEX decision_on ON decision (source, position, rank)",
    """
CREATE VIEW judged AS                    -- detections, with the class and the verdict of the last decision
SELECT detection.source, detection.position, detection.rank, x, y, w, h, IFNULL(last.class, detection.class) AS class,
    score, objectness, range_m, bearing_deg, width_m, height_m, latitude, longitude,
    IFNULL(last.verdict, 'undecided') AS verdict
FROM detection LEFT JOIN decision AS last ON last.id = (
    SELECT MAX(id) FROM decision
    WHERE (source, position, rank) = (detection.source, detection.position, detection.rank)
)
""",
)
