"""What became of a frame, as rows of a survey's database.

MERGED:
A survey's database: what was found in which frame of which source, in SQLite.
---
What of a survey could not be read or searched, as a table.
"""

import csv
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sonar_debris.detections import Detections
from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import atomic_text
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.georeference import georeference
from sonar_debris.survey.schema import TABLES, VERSION


@dataclass(frozen=True)
class FrameRecord:
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


def frame_record(frame: Frame, found: Detections) -> FrameRecord:
    """The rows that a frame and what was found in it make."""
    rows, cols = frame.image.shape
    where = frame.navigation
    navigation = (where.heading, where.latitude, where.longitude, where.depth) if where else (None,) * 4
    boxes = zip(
        found.xyxy.tolist(), found.names, found.score, found.objectness, georeference(frame, found.xyxy), strict=True
    )
    return FrameRecord(
        frame.index,
        (rows, cols, frame.time, *navigation, None),
        [_detection(*box) for box in boxes],
    )


def failed_record(position: int, reason: str) -> FrameRecord:
    """The row of a frame that could not be read or searched."""
    return FrameRecord(position, (None,) * 7 + (reason,))


def _detection(xyxy: Sequence[float], name: str, score: float, objectness: float, where: dict) -> tuple:
    left, top, right, bottom = xyxy
    box = (round(value, 3) for value in (left, top, right - left, bottom - top))
    keys = ("range_m", "bearing_deg", "width_m", "height_m", "latitude", "longitude")
    return (*box, name, round(float(score), 6), round(float(objectness), 6), *map(where.get, keys))


DATABASE_FILE = "survey.sqlite"


class SurveyStore:
    """The database in a survey's folder; a context manager that closes it.

    Args:
        folder: where ``survey.sqlite`` lies, or is made.

    Raises:
        SonarDebrisError: it is no database of ours, or of another version.
    """

    def __init__(self, folder: Path):
        self.path = folder / DATABASE_FILE
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise SonarDebrisError(f"{self.path}: {error}") from error

    def _prepare(self) -> None:
        # Readers do not wait for the writer; with FULL a commit survives a loss of power.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            with self.transaction():
                for table in TABLES:
                    self._database.execute(table)
                self._database.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise SonarDebrisError(f"{self.path}: made by another version of sonar-debris; run the survey anew")

    def __enter__(self) -> "SurveyStore":
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is written within, or nothing of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def read(self, query: str, values: Sequence = ()) -> list[tuple]:
        """The rows of a query."""
        return self._database.execute(query, values).fetchall()

    def rows(self, query: str) -> Iterator[tuple]:
        """The rows of a query one by one: of a table that does not fit in memory."""
        return self._database.execute(query)

    def table(self, query: str) -> pd.DataFrame:
        """The rows of a query as a table; numbers that are not known are NaN."""
        return pd.read_sql_query(query, self._database)

    def count_shown(self) -> int:
        """How many frames show something."""
        ((count,),) = self.read("SELECT COUNT(*) FROM (SELECT DISTINCT source, position FROM detection)")
        return count

    def add_sources(self, names: Iterable[str]) -> dict[str, int]:
        """Give each source that is not yet known an id, in their order; the ids of all."""
        with self.transaction():
            self._database.executemany("INSERT OR IGNORE INTO source (name) VALUES (?)", ((name,) for name in names))
        return dict(self.read("SELECT name, id FROM source"))

    def progress(self) -> dict[int, int | None]:
        """For each source the position from which frames are missing; None if it has been read to its end."""
        query = """
            SELECT source.id, source.frames IS NULL AND source.failure IS NULL, IFNULL(MAX(position) + 1, 0)
            FROM source LEFT JOIN frame ON frame.source = source.id GROUP BY source.id
        """
        return {source: position if missing else None for source, missing, position in self.read(query)}

    def add_frame(self, source: int, frame: FrameRecord) -> None:
        """Add what became of a frame, in a transaction of the caller's."""
        key = source, frame.position
        self._insert("frame", (*key, *frame.frame))
        for rank, detection in enumerate(frame.detections):
            self._insert("detection", (*key, rank, *detection))

    def finish_source(self, source: int, failure: str | None) -> None:
        """Note that a source has been read to its end, or why it could not be."""
        self._database.execute(
            "UPDATE source SET failure = ?1, frames = (SELECT COUNT(*) FROM frame WHERE source = ?2) WHERE id = ?2",
            (failure, source),
        )

    def decide(self, detection: tuple[int, int, int], verdict: str, name: str) -> None:
        """Note what a person said of a detection.

        Args:
            detection: its source, position and rank.
            verdict: ``accepted``, ``rejected``, or ``undecided`` to take back what was said.
            name: the class of what it shows.
        """
        with self.transaction():
            self._insert("decision", (None, *detection, verdict, name, time.time()))

    def replace_objects(self, counted: tuple, objects: Sequence[tuple], sightings: Sequence[tuple]) -> None:
        """Put these rows in the place of all of the tables ``counted``, ``object`` and ``sighting``."""
        with self.transaction():
            for table in ("sighting", "object", "counted"):
                self._database.execute(f"DELETE FROM {table}")
            for table, rows in (("object", objects), ("sighting", sightings), ("counted", [counted])):
                for row in rows:
                    self._insert(table, row)

    def _insert(self, table: str, row: tuple) -> None:
        self._database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)


def open_survey(folder: Path) -> SurveyStore:
    """The store of a survey that has been run.

    Raises:
        SonarDebrisError: the folder holds none.
    """
    if not (folder / DATABASE_FILE).is_file():
        raise SonarDebrisError(
            f"{folder}: holds no survey; make one with: sonar-debris survey run INPUT... -o {folder}"
        )
    return SurveyStore(folder)


def remove_survey(folder: Path) -> None:
    """Remove the database, the manifest and the report of an earlier survey, and nothing else."""
    shutil.rmtree(folder / "report", ignore_errors=True)
    for name in (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", "manifest.json"):
        (folder / name).unlink(missing_ok=True)


FAILURES_FILE = "failures.csv"
FAILURES_QUERY = """
SELECT name, NULL, failure FROM source WHERE failure IS NOT NULL
UNION ALL
SELECT source.name, frame.position, frame.failure FROM frame JOIN source ON source.id = frame.source
WHERE frame.failure IS NOT NULL
ORDER BY 1, 2
"""


def write_failures(store: SurveyStore, folder: Path) -> None:
    """Write ``failures.csv``: file, frame (empty where the file is meant), reason."""
    with atomic_text(folder / FAILURES_FILE) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "frame", "reason"))
        writer.writerows(store.read(FAILURES_QUERY))
