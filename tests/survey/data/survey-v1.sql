-- A survey database of schema version 1, as the first release wrote it (the output of sqlite3.Connection.iterdump).
BEGIN TRANSACTION;
CREATE TABLE counted (                   -- what the objects were found from: one row, or none
    frames INTEGER NOT NULL,             -- how many
    decision INTEGER NOT NULL            -- the last, or 0
);
INSERT INTO "counted" VALUES(7,2);
CREATE TABLE decision (                  -- what a person said of a detection; of several the last counts
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected', 'undecided')),
    class TEXT NOT NULL,                 -- what it shows
    time REAL NOT NULL,                  -- seconds since the epoch
    FOREIGN KEY (source, position, rank) REFERENCES detection
);
INSERT INTO "decision" VALUES(1,1,0,0,'accepted','hook',1500000000.0);
INSERT INTO "decision" VALUES(2,1,1,0,'rejected','tire',1500000000.0);
CREATE TABLE detection (
    source INTEGER NOT NULL, position INTEGER NOT NULL,
    rank INTEGER NOT NULL,               -- in its frame, from 0, best score first
    x REAL, y REAL, w REAL, h REAL,      -- box in pixels of the frame: left, top, width, height
    class TEXT NOT NULL, score REAL NOT NULL, objectness REAL NOT NULL,
    range_m REAL, bearing_deg REAL, width_m REAL, height_m REAL, latitude REAL, longitude REAL,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position) REFERENCES frame
) WITHOUT ROWID
;
INSERT INTO "detection" VALUES(1,0,0,10.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,0,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,1,0,11.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,1,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,2,0,12.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,2,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,3,0,13.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,3,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,4,0,14.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,4,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,5,0,15.0,20.0,30.0,40.0,'tire',0.9,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
INSERT INTO "detection" VALUES(1,5,1,120.0,20.0,30.0,40.0,'can',0.4,0.95,3.0,-1.0,0.3,0.4,48.5,-4.5);
CREATE TABLE frame (
    source INTEGER NOT NULL REFERENCES source,
    position INTEGER NOT NULL,           -- in its source, from 0
    rows INTEGER, cols INTEGER,          -- pixels
    time REAL,                           -- seconds since the epoch
    heading REAL, latitude REAL, longitude REAL, depth REAL,  -- of the sonar: degrees, metres
    failure TEXT,                        -- why it could not be read or searched
    PRIMARY KEY (source, position)
) WITHOUT ROWID
;
INSERT INTO "frame" VALUES(1,0,100,200,1000000000.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,1,100,200,1000000001.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,2,100,200,1000000002.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,3,100,200,1000000003.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,4,100,200,1000000004.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,5,100,200,1000000005.0,0.0,48.5,-4.5,2.0,NULL);
INSERT INTO "frame" VALUES(1,6,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'damaged');
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
);
INSERT INTO "object" VALUES(1,'hook',1.0,0.9,6,1,0,0,1000000000.0,1000000005.0,48.5,-4.5,0.0);
CREATE TABLE sighting (                  -- which detections show an object
    source INTEGER NOT NULL, position INTEGER NOT NULL, rank INTEGER NOT NULL,
    object INTEGER NOT NULL REFERENCES object,
    PRIMARY KEY (source, position, rank),
    FOREIGN KEY (source, position, rank) REFERENCES detection
) WITHOUT ROWID
;
INSERT INTO "sighting" VALUES(1,0,0,1);
INSERT INTO "sighting" VALUES(1,0,1,1);
INSERT INTO "sighting" VALUES(1,1,1,1);
INSERT INTO "sighting" VALUES(1,2,0,1);
INSERT INTO "sighting" VALUES(1,2,1,1);
INSERT INTO "sighting" VALUES(1,3,0,1);
INSERT INTO "sighting" VALUES(1,3,1,1);
INSERT INTO "sighting" VALUES(1,4,0,1);
INSERT INTO "sighting" VALUES(1,4,1,1);
INSERT INTO "sighting" VALUES(1,5,0,1);
INSERT INTO "sighting" VALUES(1,5,1,1);
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,           -- the file, as the user named it
    frames INTEGER,                      -- how many it was found to hold, once it has been read to its end
    failure TEXT                         -- why it could not be read, or not to its end
);
INSERT INTO "source" VALUES(1,'dive/a.aris',7,NULL);
INSERT INTO "source" VALUES(2,'dive/gone.png',0,'no image');
CREATE INDEX decision_on ON decision (source, position, rank);
CREATE VIEW judged AS                    -- detections, with the class and the verdict of the last decision
SELECT detection.source, detection.position, detection.rank, x, y, w, h, IFNULL(last.class, detection.class) AS class,
    score, objectness, range_m, bearing_deg, width_m, height_m, latitude, longitude,
    IFNULL(last.verdict, 'undecided') AS verdict
FROM detection LEFT JOIN decision AS last ON last.id = (
    SELECT MAX(id) FROM decision
    WHERE (source, position, rank) = (detection.source, detection.position, detection.rank)
);
PRAGMA user_version = 1;
COMMIT;
