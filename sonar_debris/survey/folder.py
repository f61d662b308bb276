"""The files in a survey's folder: the manifest with its settings, the list of failures, the lock, and their removal.

The settings determine the results: a resumed survey must have the same. They are stored in the database, too, from
which a lost manifest is written again.
"""

import csv
import hashlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonar_debris import __version__
from sonar_debris.backend import quiet_backend
from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import atomic_text, describe_differences, spreadsheet_safe
from sonar_debris.frames.frame import ALL_FRAMES, FrameSelection
from sonar_debris.survey.database import DATABASE_FILE
from sonar_debris.survey.store import SurveyStore, open_survey

if TYPE_CHECKING:
    from sonar_debris.detectors.base import DebrisDetector

MANIFEST_FILE = "manifest.json"
FAILURES_FILE = "failures.csv"
FAILURES_COLUMNS = ("file", "frame", "reason")
LOCK_FILE = "survey.lock"
REPORT_FOLDER = "report"
REPORT_PAGE = Path(__file__).parent / "report" / "page"
# In the report's page.
REPORT_MARK = b'<meta name="generator" content="sonar-debris">'
# What a report contains besides the files of its page.
REPORT_FILES = (
    "timeline.svg",
    "places.svg",
    "data/survey.js",
    "data/index.js",
    "data/review.js",
    "data/pictures.json",
    "data/part-[0-9]*.js",
    "frames/[0-9]*/[0-9]*.jpg",
    "frames/[0-9]*/[0-9]*.part",
)
# Settings that describe the survey, but do not determine its results.
DESCRIPTIVE_SETTINGS = ("inputs", "folder")


def describe_run(detector: "DebrisDetector", model_sha256: str | None, options: Mapping[str, object]) -> dict[str, Any]:
    """Describe all that determines the results of a survey.

    Args:
        detector: the detector that processes the frames.
        model_sha256: hash of its model folder (`hash_model`); None if the detector was not loaded from a folder.
        options: further settings that the results depend on, with values that JSON can hold.

    Returns:
        The manifest, without the inputs.
    """
    with quiet_backend():
        import keras

    return {
        "version": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "model": detector.name,
        "model_sha256": model_sha256,
        "classes": list(detector.class_names),
        "min_score": round(detector.min_score, 6),
        **options,
    }


def describe_selection(selection: FrameSelection) -> dict[str, object]:
    """Return a selection as settings; values that are those of `ALL_FRAMES` are None.

    Example:
        >>> describe_selection(FrameSelection(slice(10, None), topic="/sonar"))
        {'frames': [10, None, None], 'topic': '/sonar', 'mirror': None, 'heading_offset': None}
    """
    frames = selection.frames
    values = {field.name: getattr(selection, field.name) for field in fields(FrameSelection) if field.name != "frames"}
    changed = {name: value if value != getattr(ALL_FRAMES, name) else None for name, value in values.items()}
    return {"frames": [frames.start, frames.stop, frames.step], **changed}


def read_settings(store: SurveyStore) -> dict[str, Any]:
    """Return the settings of a survey: from the database, or from the manifest of a survey of version 2.

    Raises:
        SonarDebrisError: the survey is of version 2, and its manifest is missing or damaged.
    """
    settings = store.settings()
    if settings:
        return settings
    path = store.path.with_name(MANIFEST_FILE)
    try:
        return _read_manifest(path)
    except (OSError, ValueError) as error:
        raise SonarDebrisError(
            f"{path}: damaged or missing ({error}); replace the survey with: survey run --overwrite"
        ) from error


def check_no_other_files(folder: Path, settings: Mapping[str, Any]) -> None:
    """Check that a folder without a database holds no files that a new survey would replace.

    Args:
        folder: the folder.
        settings: the settings of the new survey.

    Raises:
        SonarDebrisError: a ``manifest.json`` or ``failures.csv`` is not that of a survey, or of one with other
            settings.
    """
    if (folder / DATABASE_FILE).exists():
        return
    path = folder / MANIFEST_FILE
    advice = "choose another folder, or remove that file"
    if path.exists():
        try:
            manifest = _read_manifest(path)
        except (OSError, ValueError) as error:
            raise SonarDebrisError(f"{path}: not the manifest of a survey ({error}); {advice}") from error
        _check_same_settings(manifest, settings, f"{path}: the manifest of another survey", advice)
    path = folder / FAILURES_FILE
    if path.exists():
        with path.open("rb") as file:
            if file.readline(100).strip() != ",".join(FAILURES_COLUMNS).encode():
                raise SonarDebrisError(f"{path}: not written by a survey; {advice}")


def check_settings(
    store: SurveyStore, settings: Mapping[str, Any], inputs: Sequence[str], notify: Callable[[str], None]
) -> None:
    """Check that a resumed survey has the same settings, and write them to the database and the manifest.

    Args:
        store: the survey's database.
        settings: the settings of this run, as `describe_run` returns them.
        inputs: the files and folders of this run. The manifest lists those of all runs.
        notify: called with one line if the manifest was lost or damaged.

    Raises:
        SonarDebrisError: the survey was started with other settings, which the message lists; the manifest is that of
            another survey; or the settings of the survey are lost.
    """
    folder, path = store.path.parent, store.path.with_name(MANIFEST_FILE)
    stored, manifest, problem = store.settings(), {}, ""
    try:
        manifest = _read_manifest(path)
    except FileNotFoundError:
        problem = "missing"
    except (OSError, ValueError) as error:
        problem = f"damaged ({error})"
    if not stored and problem and (problem != "missing" or store.counts().sources):
        raise SonarDebrisError(
            f"{path}: {problem}, and the survey was made by a version that stored its settings only there; "
            "choose another folder, or replace that survey with --overwrite"
        )
    if stored and manifest:
        other = f"{path}: the manifest of another survey"
        advice = f"remove that file; it will be written again from {DATABASE_FILE}"
        _check_same_settings(manifest, stored, other, advice)
        if not set(manifest.get("inputs", [])) <= set(stored.get("inputs", [])):
            raise SonarDebrisError(f"{other} (it has other inputs); {advice}")
    if stored or manifest:
        other = f"{folder}: holds a survey with other settings"
        _check_same_settings(
            stored or manifest, settings, other, "choose another folder, or replace that survey with --overwrite"
        )
    if stored and problem:
        notify(f"{path}: {problem}; it is written again from {DATABASE_FILE}")
    earlier_inputs = (stored or manifest).get("inputs", [])
    manifest = {**settings, "inputs": list(dict.fromkeys([*earlier_inputs, *inputs]))}
    store.write_settings({**manifest, "folder": os.path.realpath(folder)})
    with atomic_text(path) as stream:
        json.dump(manifest, stream, indent=1)


def _check_same_settings(old: Mapping[str, Any], new: Mapping[str, Any], problem: str, advice: str) -> None:
    """Raise an error that lists the differences of two settings, if there are any."""
    old, new = (
        {name: value for name, value in part.items() if name not in DESCRIPTIVE_SETTINGS} for part in (old, new)
    )
    differences = describe_differences(old, new)
    if differences:
        raise SonarDebrisError(f"{problem} ({'; '.join(differences)}); {advice}")


def _read_manifest(path: Path) -> dict[str, Any]:
    """Return the content of a manifest; raise an OSError or a ValueError if it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or "model" not in content:
        raise ValueError("it has no model")
    inputs = content.get("inputs", [])
    if not isinstance(inputs, list) or not all(isinstance(path, str) for path in inputs):
        raise ValueError("its inputs are not a list of paths")
    return content


def hash_model(folder: Path) -> str:
    """Return the SHA-256 hash of the names and contents of all files of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".keras", ".json"):
            digest.update(path.name.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a survey's folder for one run; the lock ends with the process, however it ends.

    Args:
        folder: the survey's folder.

    Raises:
        SonarDebrisError: another run holds the folder.
    """
    path = folder / LOCK_FILE
    while True:
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0) as file:
            if not _try_lock(file):
                holder = file.read(200).decode("utf-8", "replace").strip() or "unknown process"
                raise SonarDebrisError(
                    f"{path}: another run of this survey is in progress ({holder}); wait for it to end, or stop it"
                )
            # The run that held it before may have removed the file since it was opened.
            if not _is_same_file(path, file):
                continue
            with suppress(OSError):  # a full disk; the lock holds without the text
                file.truncate()
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            try:
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
            return


def _try_lock(file: FileIO) -> bool:
    """Lock a file; return False if another process has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1000)  # not the bytes that others read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass  # a network file system without locks
    return True


def _is_same_file(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


def count_decisions(folder: Path) -> int:
    """Return the number of decisions in a survey's folder, which `remove_survey` would remove; 0 without a survey.

    Raises:
        SonarDebrisError: the database cannot be read.
    """
    if not (folder / DATABASE_FILE).exists():
        return 0
    with open_survey(folder) as store:
        return store.count_decisions()


def remove_survey(folder: Path) -> None:
    """Remove the files of an earlier survey and of its report, and nothing else.

    A folder without ``survey.sqlite`` holds no survey. Folders of the report that contain other files are kept.
    """
    if not (folder / DATABASE_FILE).exists():
        return
    report = folder / REPORT_FOLDER
    if is_report(report):
        pages = [path.name for path in REPORT_PAGE.iterdir()]
        for pattern in (*pages, *REPORT_FILES):
            for path in report.glob(pattern):
                path.unlink()
        for subfolder in (*report.glob("frames/*"), report / "frames", report / "data", report):
            with suppress(OSError):  # not empty, or not a folder
                subfolder.rmdir()
    # The database goes last: without it, the other files are not known to be those of a survey.
    for name in (MANIFEST_FILE, FAILURES_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", DATABASE_FILE):
        (folder / name).unlink(missing_ok=True)


def is_report(folder: Path) -> bool:
    """Return whether a folder holds a report, complete or not, that this program wrote."""
    try:
        if REPORT_MARK in (folder / "index.html").read_bytes():
            return True
        with (folder / "data" / "survey.js").open("rb") as file:  # a report of an earlier version
            return file.read(17) == b"Report.setSurvey("
    except OSError:
        return False


def write_failures(store: SurveyStore, folder: Path) -> None:
    """Write ``failures.csv`` with the columns file, frame (empty if the whole file failed) and reason.

    Args:
        store: the survey's database.
        folder: where the file is written.
    """
    with atomic_text(folder / FAILURES_FILE) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(FAILURES_COLUMNS)
        for failure in store.failures():
            writer.writerow((spreadsheet_safe(failure.file), failure.frame, spreadsheet_safe(failure.reason)))
