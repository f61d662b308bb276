"""The sources of a survey in its database: where their files are, their states, and the removal of their frames."""

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.records import FileState, SourceRecord, TrackedSource
from sonar_debris.survey.restored_decisions import RestoredDecisionStore


class SourceStore(RestoredDecisionStore):
    """The tables ``source`` and ``setting`` of a survey's database, and the removal of frames.

    Args:
        connection: an open connection to the database.
        path: the database file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path):
        super().__init__(connection)
        self.path = path

    def settings(self) -> dict[str, Any]:
        """Return the settings of the survey; empty in surveys of version 2, until they are resumed.

        Raises:
            SonarDebrisError: the settings are damaged.
        """
        try:
            return {name: json.loads(value) for name, value in self.read("SELECT name, value FROM setting")}
        except (ValueError, TypeError, RecursionError) as error:
            raise SonarDebrisError(f"{self.path}: its settings are damaged ({error}); restore a copy of it") from error

    def write_settings(self, settings: Mapping[str, object]) -> None:
        """Replace the settings of the survey, with values that JSON can hold."""
        with self.transaction():
            self._connection.execute("DELETE FROM setting")
            self._insert("setting", [{"name": name, "value": json.dumps(value)} for name, value in settings.items()])

    def add_sources(self, names: Iterable[str]) -> dict[str, int]:
        """Add the sources that the survey does not have yet, in their order.

        Returns:
            The id of every source by its name.
        """
        with self.transaction():
            self._connection.executemany("INSERT OR IGNORE INTO source (name) VALUES (?)", ((name,) for name in names))
        return dict(self.read("SELECT name, id FROM source"))

    def sources(self) -> list[SourceRecord]:
        """Return all sources, in their order."""
        query = """
            SELECT source.id, name, path, real_path, relative, size, mtime, fingerprint, sidecar, frames,
                source.failure, IFNULL(MAX(position) + 1, 0), MAX(CASE WHEN frame.failure IS NULL THEN position END)
            FROM source LEFT JOIN frame ON frame.source = source.id GROUP BY source.id
        """
        records = []
        for row in self.read(query):
            path, real_path, relative = (None if value is None else os.fsdecode(value) for value in row[2:5])
            records.append(SourceRecord(row[0], row[1], path, real_path, relative, FileState(*row[5:9]), *row[9:]))
        return records

    def describe_source(self, source: int, path: Path, relative: str, state: FileState) -> None:
        """Store where the file of a source is and its state, within a `transaction` of the caller.

        Args:
            source: id of the source.
            path: the file.
            relative: its path in the input folder.
            state: its state before it is read.
        """
        texts = [os.path.abspath(path), os.path.realpath(path), relative]
        values = (*map(_text_or_bytes, texts), *state, source)
        self._connection.execute(
            """
            UPDATE source SET path = ?, real_path = ?, relative = ?, size = ?, mtime = ?, fingerprint = ?, sidecar = ?
            WHERE id = ?
            """,
            values,
        )

    def source_path(self, source: int | str) -> Path | None:
        """Return where the file of a source is now; the working folder does not matter.

        A file that is no longer at its place is looked for at the same place relative to the survey's folder: both may
        have been moved. A survey that is resumed with the new place of an input folder finds its files there.

        Args:
            source: id or name of the source.

        Returns:
            The file; None if there is none.
        """
        column = "name" if isinstance(source, str) else "id"
        query = f"""
            SELECT name, path, real_path FROM source WHERE {column} = ?
        """
        rows = self.read(query, [source])
        if not rows:
            return None
        name, *paths = rows[0]
        places = [Path(os.fsdecode(path)) for path in paths if path is not None]
        # The folder of a survey of version 2 is not known: its names are relative to the working folder of that run.
        old_folder = self.settings().get("folder")
        moved = [self._folder / os.path.relpath(place, old_folder) for place in places if old_folder]
        candidates = [*places, *moved] if places else [Path(name), self._folder.parent / name]
        return next((Path(os.path.abspath(path)) for path in candidates if path.exists()), None)

    @property
    def _folder(self) -> Path:
        """The survey's folder, without links."""
        return Path(os.path.realpath(self.path.parent))

    def remove_frames(self, source: SourceRecord, start: int = 0) -> int:
        """Remove the frames of a source and what depends on them, within a `transaction` of the caller.

        All objects are removed, too: they are to be found again. Decisions on detections of the removed frames are set
        aside, and restored when the same detections are added again.

        Args:
            source: the source; it is then incomplete.
            start: position of the first frame to remove.

        Returns:
            The number of decisions that are set aside.
        """
        for table in ("sighting", "object", "tracking_state"):
            self._connection.execute(f"DELETE FROM {table}")
        parameters = {"source": source.id, "file": source.name, "start": start}
        set_aside = self._connection.execute(
            """
            INSERT INTO set_aside_decision
                (file, position, rank, x, y, w, h, verdict, class, time, whole_object, origin)
            SELECT :file, position, rank, x, y, w, h, verdict, decision.class, time, whole_object, origin
            FROM decision JOIN detection USING (source, position, rank)
            WHERE source = :source AND position >= :start ORDER BY decision.id
            """,
            parameters,
        )
        for table in ("decision", "detection", "candidate", "frame"):
            self._connection.execute(f"DELETE FROM {table} WHERE source = :source AND position >= :start", parameters)
        self._connection.execute(
            """
            DELETE FROM complete_frame WHERE position >= :start
                AND file IN (SELECT :file UNION SELECT CAST(real_path AS TEXT) FROM source WHERE id = :source)
            """,
            parameters,
        )
        self._connection.execute("UPDATE source SET frames = NULL, failure = NULL WHERE id = :source", parameters)
        return set_aside.rowcount

    def remove_source(self, source: SourceRecord) -> int:
        """Remove a source with all its frames, within a `transaction` of the caller.

        Args:
            source: the source.

        Returns:
            The number of decisions that are set aside.
        """
        set_aside = self.remove_frames(source)
        self._connection.execute("DELETE FROM source WHERE id = ?", [source.id])
        return set_aside

    def tracked_sources(self) -> list[TrackedSource]:
        """Return the sources that have frames, in their order."""
        query = """
            SELECT source.id, IFNULL(path, name), COUNT(*), MIN(position), MAX(position), MIN(time), MAX(time),
                CASE WHEN MIN(rows) = MAX(rows) THEN MIN(rows) END, CASE WHEN MIN(cols) = MAX(cols) THEN MIN(cols) END,
                EXISTS (SELECT * FROM detection WHERE source = source.id)
                    OR EXISTS (SELECT * FROM candidate WHERE source = source.id)
            FROM source JOIN frame ON frame.source = source.id GROUP BY source.id ORDER BY source.id
        """
        rows = self.read(query)
        return [TrackedSource(source, PurePath(os.fsdecode(path)), *values) for source, path, *values in rows]


def _text_or_bytes(path: str) -> str | bytes:
    """Return a path as SQLite can store it: as bytes if it is not UTF-8."""
    data = os.fsencode(path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
