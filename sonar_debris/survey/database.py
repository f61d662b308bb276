"""Open the SQLite database of a survey: create it, migrate it, or copy one that cannot be written."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.schema import MIGRATIONS, TABLES, VALID_ROWS, VERSION

DATABASE_FILE = "survey.sqlite"
# Seconds to wait for another program that writes to the database.
LOCK_TIMEOUT = 5.0
# What SQLite raises, directly and through pandas. The message about a damaged schema may itself not be UTF-8.
SQLITE_ERRORS = (sqlite3.Error, pd.errors.DatabaseError, UnicodeDecodeError)
# What to do, by SQLite's error code.
ADVICE = {
    sqlite3.SQLITE_BUSY: "another program, such as a running survey, writes to it; wait for it to end and try again",
    sqlite3.SQLITE_FULL: "free some space",
    sqlite3.SQLITE_CORRUPT: "restore a copy of it, or start again with: survey run --overwrite",
    sqlite3.SQLITE_NOTADB: "restore a copy of it, or start again with: survey run --overwrite",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
}


@contextmanager
def database_errors(path: Path, advice: str = "") -> Iterator[None]:
    """Convert errors of SQLite within the context to a `SonarDebrisError` with the file's name.

    Args:
        path: the database.
        advice: what to do; by default it depends on the error.

    Yields:
        Nothing.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        # pandas repeats the query in its message, and keeps SQLite's error as the cause.
        cause = error.__cause__ or error if isinstance(error, pd.errors.DatabaseError) else error
        message = "; ".join(part for part in (f"{path}: {cause}", advice or ADVICE.get(_error_code(cause), "")) if part)
        raise SonarDebrisError(message) from error


def open_database(path: Path) -> sqlite3.Connection:
    """Open a database for reading and writing; create its tables, or migrate those of an earlier version.

    Args:
        path: the database file, created if it does not exist.

    Returns:
        The connection, in autocommit mode.

    Raises:
        SonarDebrisError: the database is of a version that is not known.
        sqlite3.Error: the database cannot be opened.
    """
    connection = sqlite3.connect(path, LOCK_TIMEOUT, isolation_level=None)
    try:
        # Readers do not wait for the writer; with FULL a commit survives a loss of power.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def copy_database(path: Path) -> sqlite3.Connection:
    """Copy a database that cannot be written to a temporary one, which SQLite removes when it is closed.

    Args:
        path: the database file.

    Returns:
        A connection to the copy. What is written to it is lost.

    Raises:
        SonarDebrisError: the database is of a version that is not known.
        sqlite3.Error: the database cannot be read.
    """
    copy = sqlite3.connect("", isolation_level=None)
    try:
        _read_into(path, copy)
        _prepare(copy, path)
    except BaseException:
        copy.close()
        raise
    return copy


def is_read_only_error(error: Exception) -> bool:
    """Return whether an error means that a database, or a file next to it, cannot be written."""
    return _error_code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _error_code(error: BaseException) -> int:
    """Return the primary result code of SQLite; 0 if the error has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _read_into(path: Path, copy: sqlite3.Connection) -> None:
    """Copy a database that may lie in a folder where SQLite cannot create the files that it needs to open it."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, LOCK_TIMEOUT, uri=True)) as source:
            source.backup(copy)
    except sqlite3.OperationalError as error:
        if not is_read_only_error(error):
            raise
        log = path.with_name(path.name + "-wal")
        if log.is_file() and log.stat().st_size:  # the last transactions of a run that was killed
            with tempfile.TemporaryDirectory(prefix="sonar-debris-") as folder:
                for file in (path, log):
                    shutil.copyfile(file, Path(folder, file.name))
                with closing(sqlite3.connect(Path(folder, path.name))) as source:
                    source.backup(copy)
        else:
            with closing(sqlite3.connect(f"{uri}&immutable=1", uri=True)) as source:
                source.backup(copy)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables, or migrate those of an earlier version."""
    connection.execute("PRAGMA foreign_keys = ON")
    if _version(connection) == VERSION:
        return
    with transaction(connection):
        version = _version(connection)  # another process may just have created or migrated the tables
        if version not in (0, VERSION, *MIGRATIONS):
            raise SonarDebrisError(
                f"{path}: written by another version of sonar-debris; "
                "update sonar-debris, or run the survey into another folder"
            )
        if version == 0:
            if connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                raise SonarDebrisError(f"{path}: not the database of a survey; choose another folder")
            _execute_all(connection, TABLES)
        else:
            for old_version in range(version, VERSION):
                _execute_all(connection, MIGRATIONS[old_version])
        connection.execute(f"PRAGMA user_version = {VERSION}")


def check_rows(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the tables hold values of the right types and ranges.

    Args:
        connection: a connection to the database.
        path: the database file, for the error.

    Raises:
        SonarDebrisError: a row does not; the message has the number of such rows and their table.
        sqlite3.Error: the database cannot be read.
    """
    for table, condition in VALID_ROWS.items():
        # A condition on a missing value is NULL, which is not true.
        (damaged,) = connection.execute(f"SELECT COUNT(*) FROM {table} WHERE ({condition}) IS NOT TRUE").fetchone()
        if damaged:
            raise SonarDebrisError(
                f"{path}: damaged: {damaged} rows of the table {table} hold impossible values; restore a copy of it"
            )
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        raise SonarDebrisError(
            f"{path}: damaged: rows of the table {table} lack theirs of {parent}; restore a copy of it"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit all that is written within the context, or nothing if it raises; within another transaction, join it."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # An error such as a full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _execute_all(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement)
