"""The database of a survey: create it, migrate it, and write frames, detections, objects and decisions."""

import csv
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pandas as pd

from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import atomic_text
from sonar_debris.survey.queries import SurveyQueries
from sonar_debris.survey.schema import (
    MIGRATIONS,
    TABLES,
    VERSION,
    DetectionKey,
    DetectionRecord,
    Failure,
    FrameRecord,
    ObjectRecord,
    Sighting,
    SurveyCounts,
    TrackedSource,
    TrackingState,
)

DATABASE_FILE = "survey.sqlite"
FAILURES_FILE = "failures.csv"


class SurveyStore(SurveyQueries):
    """The database in a survey's folder; a context manager that closes it.

    A database of an earlier version is migrated when it is opened.

    Args:
        folder: the folder that holds ``survey.sqlite``; the database is created if it does not exist.

    Raises:
        SonarDebrisError: the file is not a survey's database, or of an unknown version.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.path = Path(folder) / DATABASE_FILE
        try:
            super().__init__(sqlite3.connect(self.path, isolation_level=None))
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.DatabaseError as error:
            raise SonarDebrisError(f"{self.path}: {error}") from error

    def _prepare(self) -> None:
        """Set up the connection; create the tables, or migrate those of an earlier version."""
        # Readers do not wait for the writer; with FULL a commit survives a loss of power.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if self._version() == VERSION:
            return
        with self.transaction():
            version = self._version()  # another process may just have created or migrated the tables
            if version not in (0, VERSION, *MIGRATIONS):
                raise SonarDebrisError(
                    f"{self.path}: written by another version of sonar-debris; "
                    "update sonar-debris, or run the survey into another folder"
                )
            if version == 0:
                self._execute_all(TABLES)
            else:
                for old_version in range(version, VERSION):
                    self._execute_all(MIGRATIONS[old_version])
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _execute_all(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is written within the context, or nothing if it raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def add_sources(self, names: Iterable[str]) -> dict[str, int]:
        """Add the sources that the survey does not have yet, in their order.

        Returns:
            The id of every source by its name.
        """
        with self.transaction():
            self._connection.executemany("INSERT OR IGNORE INTO source (name) VALUES (?)", ((name,) for name in names))
        return dict(self._read("SELECT name, id FROM source"))

    def next_positions(self) -> dict[int, int | None]:
        """Return for each source's id the position of its first missing frame; None if it was read to its end."""
        query = """
            SELECT source.id AS source, source.frames IS NULL AND source.failure IS NULL AS incomplete,
                IFNULL(MAX(position) + 1, 0) AS next_position
            FROM source LEFT JOIN frame ON frame.source = source.id GROUP BY source.id
        """
        return {
            source: next_position if incomplete else None for source, incomplete, next_position in self._read(query)
        }

    def add_frame(self, source: int, frame: FrameRecord) -> None:
        """Add a frame and its detections, within a `transaction` of the caller.

        Args:
            source: id of the frame's source.
            frame: the frame, which the source must not have yet.
        """
        key = {"source": source, "position": frame.position}
        self._insert("frame", [key | _values(frame, without="detections")])
        self._insert(
            "detection",
            [key | {"rank": rank} | _values(detection) for rank, detection in enumerate(frame.detections)],
        )

    def finish_source(self, source: int, failure: str | None) -> None:
        """Mark a source as read, within a `transaction` of the caller.

        Args:
            source: id of the source.
            failure: why it could not be read, or not to its end; None if it was read to its end.
        """
        self._connection.execute(
            "UPDATE source SET failure = ?1, frames = (SELECT COUNT(*) FROM frame WHERE source = ?2) WHERE id = ?2",
            (failure, source),
        )

    def decide(self, detection: DetectionKey, verdict: str, class_name: str) -> None:
        """Add a person's decision on a detection; earlier ones are kept, the last one counts.

        Args:
            detection: key of the detection.
            verdict: ``accepted``, ``rejected``, or ``undecided`` to withdraw an earlier decision.
            class_name: the class that the person chose.
        """
        with self.transaction():
            key = DetectionKey(*detection)._asdict()
            decision = {"verdict": verdict, "class_name": class_name, "time": time.time()}
            self._insert("decision", [key | decision])

    def tracking_state(self) -> TrackingState | None:
        """Return from what the stored objects were computed; None if they were never computed."""
        states = self._read("SELECT frames, decision FROM tracking_state")
        return TrackingState(*states[0]) if states else None

    def current_state(self) -> TrackingState:
        """Return from what the objects would be computed now."""
        query = "SELECT COUNT(*) AS frames, (SELECT IFNULL(MAX(id), 0) FROM decision) AS decision FROM frame"
        return TrackingState(*self._read(query)[0])

    def tracked_sources(self) -> list[TrackedSource]:
        """Return the sources that show detections, in their order."""
        query = """
            SELECT id, name, IFNULL(frames > 1, 0) AS is_recording,
                EXISTS (SELECT * FROM frame WHERE source = source.id AND time IS NOT NULL) AS is_timed
            FROM source WHERE EXISTS (SELECT * FROM detection WHERE source = source.id) ORDER BY id
        """
        return [
            TrackedSource(source, name, bool(is_recording), bool(is_timed))
            for source, name, is_recording, is_timed in self._read(query)
        ]

    def detections_to_track(self, sources: Sequence[int]) -> pd.DataFrame:
        """Return the detections of some sources, except those that a person rejected.

        Args:
            sources: ids of the sources.

        Returns:
            One row per detection, in the order of the survey: the columns of ``reviewed_detection``, and ``time``.
        """
        # No parameters: a folder may hold more timed images than SQLite allows parameters.
        ids = ",".join(str(int(source)) for source in sources)
        query = f"""
            SELECT frame.time, reviewed_detection.* FROM reviewed_detection JOIN frame USING (source, position)
            WHERE source IN ({ids}) AND verdict != 'rejected' ORDER BY source, position, rank
        """
        return self._table(query)

    def replace_objects(
        self, state: TrackingState, objects: Sequence[ObjectRecord], sightings: Sequence[Sighting]
    ) -> None:
        """Replace all objects of the survey, in one transaction.

        Args:
            state: from what they were computed.
            objects: the objects.
            sightings: which detections show them.
        """
        with self.transaction():
            for table in ("sighting", "object", "tracking_state"):
                self._connection.execute(f"DELETE FROM {table}")
            self._insert("object", [_values(record, without="file") for record in objects])
            self._insert("sighting", [sighting._asdict() for sighting in sightings])
            self._insert("tracking_state", [state._asdict()])

    def objects(self) -> list[ObjectRecord]:
        """Return the objects of the survey, in the order of their numbers."""
        query = """
            SELECT object.id, class AS class_name, agreement, score, object.frames, source, position, rank, first_time,
                last_time, latitude, longitude, spread_m, source.name AS file
            FROM object JOIN source ON source.id = object.source ORDER BY object.id
        """
        return [ObjectRecord(*row) for row in self._read(query)]

    def count_objects(self) -> int:
        """Return the number of objects."""
        return int(self._read("SELECT COUNT(*) FROM object")[0][0])

    def counts(self) -> SurveyCounts:
        """Return the numbers of sources, frames and detections."""
        query = """
            SELECT
                (SELECT COUNT(*) FROM source) AS sources, (SELECT COUNT(failure) FROM source) AS failed_sources,
                (SELECT COUNT(*) FROM frame) AS frames, (SELECT COUNT(failure) FROM frame) AS failed_frames,
                (SELECT COUNT(*) FROM detection) AS detections
        """
        return SurveyCounts(*self._read(query)[0])

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Return the sources and frames that failed, in the order of file and frame.

        Args:
            limit: return at most this many; all by default.

        Returns:
            The failures.
        """
        query = """
            SELECT name AS file, NULL AS frame, failure AS reason FROM source WHERE failure IS NOT NULL
            UNION ALL
            SELECT source.name, frame.position, frame.failure FROM frame JOIN source ON source.id = frame.source
            WHERE frame.failure IS NOT NULL
            ORDER BY file, frame LIMIT ?
        """
        return [Failure(*row) for row in self._read(query, [-1 if limit is None else limit])]

    def _insert(self, table: str, records: Sequence[Mapping[str, object]]) -> None:
        """Insert records that all have the same keys: columns of the table, and ``class_name`` for ``class``."""
        if not records:
            return
        columns = ", ".join(name.removesuffix("_name") if name == "class_name" else name for name in records[0])
        values = ", ".join(f":{name}" for name in records[0])
        self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", records)


def _values(record: FrameRecord | DetectionRecord | ObjectRecord, without: str = "") -> dict[str, object]:
    """Return the fields of a record by name, but for one that is not a column of its table."""
    return {name: value for name, value in vars(record).items() if name != without}


def open_survey(folder: str | os.PathLike[str]) -> SurveyStore:
    """Open the database of an existing survey.

    Args:
        folder: the survey's folder.

    Returns:
        The store, a context manager.

    Raises:
        SonarDebrisError: the folder holds no survey.

    Example:
        >>> with open_survey("night") as survey:  # doctest: +SKIP
        ...     for debris in survey.objects():
        ...         print(debris.class_name, debris.score, debris.frames)
    """
    if not (Path(folder) / DATABASE_FILE).is_file():
        raise SonarDebrisError(
            f"{folder}: holds no survey; make one with: sonar-debris survey run INPUT... -o {folder}"
        )
    return SurveyStore(folder)


def remove_survey(folder: Path) -> None:
    """Remove the database, the manifest and the report of an earlier survey, and nothing else."""
    shutil.rmtree(folder / "report", ignore_errors=True)
    for name in (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", "manifest.json"):
        (folder / name).unlink(missing_ok=True)


def write_failures(store: SurveyStore, folder: Path) -> None:
    """Write ``failures.csv`` with the columns file, frame (empty if the whole file failed) and reason.

    Args:
        store: the survey's database.
        folder: where the file is written.
    """
    with atomic_text(folder / FAILURES_FILE) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "frame", "reason"))
        writer.writerows(store.failures())
