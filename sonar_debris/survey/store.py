"""The results of a survey in its database: sources, frames, detections, objects and decisions."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.database import (
    DATABASE_FILE,
    SQLITE_ERRORS,
    check_rows,
    copy_database,
    database_errors,
    is_read_only_error,
    open_database,
)
from sonar_debris.survey.decisions import decision_values
from sonar_debris.survey.records import (
    Decision,
    DetectionKey,
    DetectionRecord,
    Failure,
    FrameRecord,
    ObjectRecord,
    Sighting,
    SurveyCounts,
    TrackingState,
)
from sonar_debris.survey.source_store import SourceStore


class SurveyStore(SourceStore):
    """The database in a survey's folder; a context manager that closes it.

    A database of an earlier version is migrated when it is opened. Within the context, errors of SQLite become a
    `SonarDebrisError`.

    Args:
        folder: the folder that holds ``survey.sqlite``; the database is created if it does not exist.
        read_only: whether a database that cannot be written is copied to a temporary one. Objects are then found, but
            not stored.

    Raises:
        SonarDebrisError: the file is not a survey's database, of an unknown version, locked, or cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], read_only: bool = False):
        path = Path(folder) / DATABASE_FILE
        self._read_only = read_only
        with database_errors(path):
            try:
                connection = open_database(path)
            except sqlite3.OperationalError as error:
                if not read_only or not is_read_only_error(error):
                    raise
                connection = copy_database(path)
        super().__init__(connection, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, SQLITE_ERRORS):
            with database_errors(self.path):
                raise error

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def check(self) -> None:
        """Check that all rows hold possible values; raise a `SonarDebrisError` if one does not."""
        with database_errors(self.path):
            check_rows(self._connection, self.path)

    def add_frame(self, source: int, frame: FrameRecord) -> None:
        """Add a frame with its detections and candidates, within a `transaction` of the caller.

        Args:
            source: id of the frame's source.
            frame: the frame, which the source must not have yet.
        """
        key = {"source": source, "position": frame.position}
        values = _values(frame, without=("detections", "candidates"))
        self._insert("frame", [key | values | {"failure": _printable(frame.failure)}])
        self._insert(
            "detection",
            [key | {"rank": rank} | _values(detection) for rank, detection in enumerate(frame.detections)],
        )
        self._insert(
            "candidate",
            [
                key | {"rank": rank} | _values(candidate, without=("origin",))
                for rank, candidate in enumerate(frame.candidates, start=len(frame.detections))
            ],
        )
        self.restore_decisions(source, frame.position)

    def finish_source(self, source: int, failure: str | None) -> None:
        """Mark a source as read, within a `transaction` of the caller.

        Args:
            source: id of the source.
            failure: why it could not be read, or not to its end; None if it was read to its end.
        """
        self._connection.execute(
            "UPDATE source SET failure = ?1, frames = (SELECT COUNT(*) FROM frame WHERE source = ?2) WHERE id = ?2",
            (_printable(failure), source),
        )

    def tracking_state(self) -> TrackingState | None:
        """Return from what the stored objects were computed; None if they were never computed."""
        states = self.read("SELECT frames, decision FROM tracking_state")
        return TrackingState(*states[0]) if states else None

    def current_state(self) -> TrackingState:
        """Return from what the objects would be computed now."""
        query = "SELECT COUNT(*) AS frames, (SELECT IFNULL(MAX(id), 0) FROM decision) AS decision FROM frame"
        return TrackingState(*self.read(query)[0])

    def detections_to_track(self, sources: Sequence[int]) -> pd.DataFrame:
        """Return the detections of some sources, except those that a person rejected one by one.

        Detections of a rejected object are among them: its later sightings belong to it. Candidates that showed an
        object when objects were last found are not, unless a person decided on them.

        Args:
            sources: ids of the sources.

        Returns:
            One row per detection, in the order of the survey: the columns of ``reviewed_detection``, and ``time``.
        """
        query = f"""
            SELECT frame.time, reviewed_detection.* FROM reviewed_detection JOIN frame USING (source, position)
            WHERE source IN ({_ids(sources)}) AND (verdict != 'rejected' OR whole_object)
                AND NOT (origin = 'evidence' AND verdict = 'undecided') ORDER BY source, position, rank
        """
        return self._table(query)

    def candidates_to_track(self, sources: Sequence[int]) -> pd.DataFrame:
        """Return the candidates of some sources, except those that a person decided on.

        Args:
            sources: ids of the sources.

        Returns:
            One row per candidate, in the order of the survey, with the columns of `detections_to_track`.
        """
        query = f"""
            SELECT frame.time, candidate.*, class AS detected_class, 'undecided' AS verdict, 0 AS whole_object,
                NULL AS decided, 'evidence' AS origin
            FROM candidate JOIN frame USING (source, position)
            WHERE source IN ({_ids(sources)}) AND (source, position, rank) NOT IN (
                SELECT source, position, rank FROM reviewed_detection
                WHERE origin = 'evidence' AND verdict != 'undecided'
            ) ORDER BY source, position, rank
        """
        return self._table(query)

    def replace_objects(
        self,
        state: TrackingState,
        objects: Sequence[ObjectRecord],
        sightings: Sequence[Sighting],
        decisions: Sequence[Decision] = (),
        evidence: Sequence[DetectionKey] = (),
    ) -> None:
        """Replace all objects of the survey, in one transaction.

        Args:
            state: from what they were computed.
            objects: the objects.
            sightings: which detections show them.
            decisions: decisions on objects that were extended to later sightings.
            evidence: candidates that are among the sightings, and become detections.
        """
        try:
            with self.transaction():
                self._write_objects(state, objects, sightings, decisions, evidence)
        except sqlite3.OperationalError as error:
            if not self._read_only or not is_read_only_error(error):
                raise
            copy = copy_database(self.path)
            self._connection.close()
            self._connection = copy
            self._write_objects(state, objects, sightings, decisions, evidence)

    def _write_objects(
        self,
        state: TrackingState,
        objects: Sequence[ObjectRecord],
        sightings: Sequence[Sighting],
        decisions: Sequence[Decision],
        evidence: Sequence[DetectionKey],
    ) -> None:
        for table in ("sighting", "object", "tracking_state"):
            self._connection.execute(f"DELETE FROM {table}")
        self._connection.execute(
            """
            DELETE FROM detection
            WHERE origin = 'evidence' AND (source, position, rank) NOT IN (SELECT source, position, rank FROM decision)
            """
        )
        for key in evidence:
            self.promote_candidate(*key)
        self._insert("object", [_values(record, without=("file",)) for record in objects])
        self._insert("sighting", [sighting._asdict() for sighting in sightings])
        self._insert("decision", [decision_values(decision) for decision in decisions])
        self._insert("tracking_state", [state._asdict()])

    def objects(self) -> list[ObjectRecord]:
        """Return the objects of the survey, in the order of their numbers."""
        query = """
            SELECT object.id, class AS class_name, agreement, score, object.frames, source, position, rank, first_time,
                last_time, latitude, longitude, position_scatter_m, source.name AS file
            FROM object JOIN source ON source.id = object.source ORDER BY object.id
        """
        return [ObjectRecord(*row) for row in self.read(query)]

    def count_objects(self) -> int:
        """Return the number of objects."""
        return int(self.read("SELECT COUNT(*) FROM object")[0][0])

    def counts(self) -> SurveyCounts:
        """Return the numbers of sources, frames and detections."""
        query = """
            SELECT
                (SELECT COUNT(*) FROM source) AS sources, (SELECT COUNT(failure) FROM source) AS failed_sources,
                (SELECT COUNT(*) FROM frame) AS frames, (SELECT COUNT(failure) FROM frame) AS failed_frames,
                (SELECT COUNT(*) FROM detection) AS detections
        """
        return SurveyCounts(*self.read(query)[0])

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
        return [Failure(*row) for row in self.read(query, [-1 if limit is None else limit])]


def _values(record: FrameRecord | DetectionRecord | ObjectRecord, without: Sequence[str] = ()) -> dict[str, object]:
    """Return the fields of a record by name, but for those that are not columns of its table."""
    return {name: value for name, value in vars(record).items() if name not in without}


def _ids(sources: Sequence[int]) -> str:
    """Return a list for SQL: a folder may hold more timed images than SQLite allows parameters."""
    return ",".join(str(int(source)) for source in sources)


def _printable(text: str | None) -> str | None:
    """Return a text that SQLite can store; bytes of a file's name that are not UTF-8 are escaped."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def open_survey(folder: str | os.PathLike[str]) -> SurveyStore:
    """Open the database of an existing survey, which may be read-only.

    Args:
        folder: the survey's folder.

    Returns:
        The store, a context manager.

    Raises:
        SonarDebrisError: the folder holds no survey, or its database is damaged or locked.

    Example:
        >>> with open_survey("night") as survey:  # doctest: +SKIP
        ...     for debris in survey.objects():
        ...         print(debris.class_name, debris.score, debris.frames)
    """
    if not (Path(folder) / DATABASE_FILE).is_file():
        raise SonarDebrisError(
            f"{folder}: holds no survey; make one with: sonar-debris survey run INPUT... -o {folder}"
        )
    store = SurveyStore(folder, read_only=True)
    try:
        store.check()
    except BaseException:
        store.close()
        raise
    return store
