"""Find the files of a survey, and decide what must be read of each: all, the frames that are missing, or nothing.

A file is the same source however its path is spelled: it is known by its real path. Its size, its time of change and
hashes of its first and last bytes are stored, so that a file that changed since it was processed is noticed.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sonar_debris.errors import printable_name
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.loader import OnError, find_files
from sonar_debris.frames.readers import find_format, is_recognised
from sonar_debris.frames.ros_files import PACKED_SUFFIXES, is_metadata, split_files
from sonar_debris.frames.sidecar import hash_sidecar
from sonar_debris.survey.prefetch import Job
from sonar_debris.survey.records import FileState, SourceRecord
from sonar_debris.survey.store import SurveyStore

# Bytes at either end of a file that are hashed: enough for the header of a recording and of its first frame, which has
# a time.
FINGERPRINT_BYTES = 4096
# Files that one message lists; it counts the others.
LISTED_FILES = 5


@dataclass(frozen=True)
class Source:
    """A recording or an image of a survey.

    Attributes:
        name: the file in outputs: the input as given and, for a file in a folder, the file in it.
        path: the file.
        relative: the file's path in the input folder; its name if the file itself was given.
    """

    name: str
    path: Path
    relative: str

    @property
    def real_path(self) -> str:
        """The absolute path without links: which file it is."""
        return os.path.realpath(self.path)


def find_sources(inputs: Sequence[str | os.PathLike[str]], on_error: OnError) -> list[Source]:
    """List the files of inputs; a file that is given twice is listed once.

    Args:
        inputs: files, and folders that are searched with their subfolders.
        on_error: called with the error of each input that does not exist or holds no frames, and of each subfolder that
            cannot be searched.

    Returns:
        The sources in the order of the inputs; the files of a folder in natural order.
    """
    sources: dict[str, Source] = {}
    for path in map(Path, inputs):
        try:
            files = _find_input_files(path, on_error)
        except FrameReadError as error:
            on_error(error)
            continue
        for file in files:
            relative = os.fspath(file.relative_to(path)) if file != path else file.name
            source = Source(printable_name(file.as_posix()), file, relative)
            sources.setdefault(source.real_path, source)
    return list(sources.values())


def _find_input_files(path: Path, on_error: OnError) -> list[Path]:
    """Return the files of an input; raise a FrameReadError if it has none."""
    name = os.fspath(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISDIR(mode):
            if not is_recognised(path):
                find_format(path)  # raises the error that names the known formats
            if not stat.S_ISREG(mode):
                raise ValueError("not a regular file")
            return [path]
    except FileNotFoundError as error:
        raise FrameReadError(name, "no such file or folder") from error
    except (OSError, ValueError) as error:
        raise FrameReadError(name, getattr(error, "strerror", None) or str(error)) from error
    failed_folders: list[FrameReadError] = []
    files = find_files(path, failed_folders.append)
    for failure in failed_folders:
        on_error(failure)
    if not files and not failed_folders:
        raise FrameReadError(name, "the folder holds no frames")
    return files


def read_state(path: Path) -> FileState:
    """Return what tells whether a file has changed.

    Args:
        path: the file. The files that a ``metadata.yaml`` lists count as one file with it.

    Returns:
        The state; without a size if the file is missing or not a regular file, and without a fingerprint if it cannot
        be opened or consists of several files.
    """
    try:
        parts = split_files(path) if is_metadata(path) else []
        all_status = [file.stat() for file in (path, *parts)]
        if not all(stat.S_ISREG(status.st_mode) for status in all_status):
            return FileState()
        size = sum(status.st_size for status in all_status)
        mtime = max(status.st_mtime_ns for status in all_status)
        return FileState(size, mtime, None if parts else read_fingerprint(path, size), hash_sidecar(path))
    except OSError:
        return FileState()


def read_fingerprint(path: Path, size: int) -> str | None:
    """Hash the ends of a file's first ``size`` bytes: of all of the file, or of the file as it was when it was shorter.

    Args:
        path: a regular file.
        size: number of bytes, at most the size of the file.

    Returns:
        The hash; None if the file cannot be opened.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            digest.update(file.read(min(size, FINGERPRINT_BYTES)))
            file.seek(max(0, size - FINGERPRINT_BYTES))
            digest.update(file.read(min(size, FINGERPRINT_BYTES)))
    except OSError:
        return None
    return digest.hexdigest()


@dataclass(frozen=True)
class Plan:
    """What a run must read.

    Attributes:
        jobs: the frames to read, in the order of the sources.
        retried_failures: number of sources that failed before and are read again.
        changed_files: names of the sources that changed since they were processed.
    """

    jobs: list[Job]
    retried_failures: int = 0
    changed_files: list[str] = field(default_factory=list)


def plan_run(store: SurveyStore, sources: Sequence[Source], notify: Callable[[str], None]) -> Plan:
    """Match files with the sources of a survey, and list the frames to read.

    - A new file is added, and read.
    - A file that was read to its end and has not changed is not read again. If it failed, the missing frames are read.
    - A recording that has grown, with the same first part, is read from its last intact frame.
    - Of a file that changed otherwise, all frames are removed, and it is read from its start.

    Args:
        store: the survey's database.
        sources: the files of this run.
        notify: called with one line about the files that have grown, one about those that changed otherwise, and one
            about those that failed before.

    Returns:
        The plan.
    """
    jobs: list[Job] = []
    failed: list[str] = []
    grown: list[str] = []
    changed: list[str] = []
    merged: list[str] = []
    set_aside = 0
    with store.transaction():
        records, merged_records = _match_sources(store, sources)
        for record in merged_records:
            set_aside += store.remove_source(record)
            merged.append(record.name)
        for source, (record, has_moved) in zip(sources, records, strict=True):
            state = read_state(source.path)
            start: int | None = record.next_position
            read_from: int | None = None
            if _has_changed(record.state, state, has_moved):
                has_grown = _is_beginning(record.state, source.path, state)
                start = record.last_intact_position or 0 if has_grown else 0
                (grown if has_grown else changed).append(record.name)
                set_aside += store.remove_frames(record, start)
            elif record.failure is not None:
                failed.append(record.name)
                if record.path is None:  # a survey of version 2: whether the file changed is not known
                    set_aside += store.remove_frames(record)
                    start = 0
                else:
                    read_from = record.last_intact_position
            elif record.frames is not None:
                start = None
            # A file that cannot be opened now keeps its state, with which it is compared when it is back.
            known_state = record.state if state.size is None else state
            store.describe_source(record.id, source.path, source.relative, known_state)
            if start is not None:
                jobs.append(Job(record.id, record.name, source.path, start, read_from=read_from))
    _notify_about(notify, "longer than before; continued from the last intact frame", grown)
    _notify_about(notify, "changed; processed again from the start", changed)
    _notify_about(notify, "now read as part of another file", merged)
    _notify_about(notify, "failed before; read again", failed)
    if set_aside:
        notify(f"{set_aside} decisions on these files are set aside until the same detections are made again")
    return Plan(jobs, len(failed), [*grown, *changed, *merged])


def _notify_about(notify: Callable[[str], None], problem: str, names: Sequence[str]) -> None:
    """Notify of files in one line, which lists the first of them."""
    if names:
        rest = len(names) - LISTED_FILES
        listed = ", ".join(names[:LISTED_FILES]) + (f" and {rest} more" if rest > 0 else "")
        notify(f"{len(names)} {'file' if len(names) == 1 else 'files'} {problem}: {listed}")


def _has_changed(old: FileState, new: FileState, has_moved: bool) -> bool:
    """Return whether a file has changed; a copy of it at another place may have another time."""
    if old.size is None or new.size is None:  # a survey of version 2, or a file that cannot be opened
        return False
    return (old.size, old.sidecar) != (new.size, new.sidecar) or (old.mtime != new.mtime and not has_moved)


def _is_beginning(old: FileState, path: Path, new: FileState) -> bool:
    """Return whether a file still begins with its earlier content, and is longer."""
    if old.size is None or new.size is None or old.fingerprint is None or old.sidecar != new.sidecar:
        return False
    return old.size < new.size and read_fingerprint(path, old.size) == old.fingerprint


def _match_sources(
    store: SurveyStore, sources: Sequence[Source]
) -> tuple[list[tuple[SourceRecord, bool]], list[SourceRecord]]:
    """Match files with the sources of a survey; add those that are new, within a transaction of the caller.

    Returns:
        For each file its source, and whether the file was at another place before; and the sources of files that are
        now read as parts of another file.
    """
    records = store.sources()
    index = _SourceIndex(records, store.path.parent)
    used_names = {record.name for record in records}
    matches: list[tuple[SourceRecord, bool] | str] = []
    for source in sources:
        matches.append(index.take(source) or _unique_name(source, used_names))
    ids = store.add_sources(match for match in matches if isinstance(match, str))
    all_matches = [(SourceRecord(ids[match], match), False) if isinstance(match, str) else match for match in matches]
    return all_matches, index.take_parts(sources)


class _SourceIndex:
    """The sources of a survey by their files.

    Args:
        records: the sources.
        folder: the survey's folder.
    """

    def __init__(self, records: Sequence[SourceRecord], folder: Path):
        self._by_path = {record.real_path: record for record in records if record.real_path is not None}
        # Of surveys of version 2 only the paths as given are known. They are relative to the working folder of that
        # run, which is usually this one, or the one that holds the survey's folder.
        for record in records:
            if record.real_path is None:
                for parent in (Path(), folder.absolute().parent):
                    self._by_path.setdefault(os.path.realpath(parent / record.name), record)
        self._taken: set[int] = set()

    def take(self, source: Source) -> tuple[SourceRecord, bool] | None:
        """Return the source of a file, and whether the file was at another place before; None if it is new."""
        record = self._by_path.get(source.real_path)
        has_moved = False
        if record is None or record.id in self._taken:
            record = self._find_moved(source)
            has_moved = True
        if record is None:
            return None
        self._taken.add(record.id)
        return record, has_moved

    def _find_moved(self, source: Source) -> SourceRecord | None:
        """Return the source whose file is gone, and had this content at the same place in its input folder."""
        for record in self._missing.get(source.relative, []):
            if record.id not in self._taken:
                state = read_state(source.path)
                is_same = record.state.size == state.size and record.state.fingerprint == state.fingerprint
                if is_same or _is_beginning(record.state, source.path, state):
                    return record
        return None

    @cached_property
    def _missing(self) -> dict[str, list[SourceRecord]]:
        """The sources whose files are gone, by their paths in the input folders."""
        missing: dict[str, list[SourceRecord]] = {}
        for path, record in self._by_path.items():
            if record.relative is not None and record.state.size is not None and not os.path.exists(path):
                missing.setdefault(record.relative, []).append(record)
        return missing

    def take_parts(self, sources: Iterable[Source]) -> list[SourceRecord]:
        """Return the sources of files that are now read as parts of others.

        These are the files that a ``metadata.yaml`` lists, and the compressed form of a file.
        """
        paths: list[str] = []
        for source in sources:
            if is_metadata(source.path):
                paths += [os.path.realpath(part) for part in split_files(source.path)]
            else:
                paths += [source.real_path + suffix for suffix in PACKED_SUFFIXES]
        parts = [self._by_path[path] for path in paths if path in self._by_path]
        return [record for record in parts if record.id not in self._taken]


def _unique_name(source: Source, used_names: set[str]) -> str:
    """Return a name in outputs that no other source has, and add it to the used ones."""
    name, copy = source.name, 1
    while name in used_names:
        # Another file was given under the same path, from another working folder.
        name = printable_name(source.real_path) + (f" ({copy})" if copy > 1 else "")
        copy += 1
    used_names.add(name)
    return name
