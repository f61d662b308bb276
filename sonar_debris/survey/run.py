"""Which files a survey consists of.

MERGED:
Runs a survey: has searched what is missing, and stores it.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.loader import find_files
from sonar_debris.survey.inference import Inference, ShardResult
from sonar_debris.survey.prefetch import Job
from sonar_debris.survey.store import SurveyStore

OnError = Callable[[FrameReadError], None]


@dataclass(frozen=True)
class Source:
    """A recording or an image of a survey.

    Attributes:
        name: the file as the user named it, or the folder as named and the file in it.
        path: the file.
    """

    name: str
    path: Path


def find_sources(inputs: Sequence[str | os.PathLike[str]], report: OnError) -> list[Source]:
    """List the files of inputs, those of a folder in natural order; a file that is named twice comes once.

    Args:
        inputs: files, and folders that are searched with their subfolders.
        report: told of inputs that are not there and of subfolders that cannot be searched.
    """
    found: dict[str, Source] = {}
    for given in map(Path, inputs):
        if not given.exists():
            report(FrameReadError(str(given), "no such file or folder"))
        for path in find_files(given, report) if given.is_dir() else [given] if given.exists() else []:
            found.setdefault(os.path.realpath(path), Source(path.as_posix(), path))
    return list(found.values())


@dataclass
class Progress:
    """How far a survey is.

    Attributes:
        done: frames searched, those of earlier runs among them.
        total: frames there are, as far as that is known.
        objects: detections so far.
        failures: sources and frames that could not be read or searched.
        seconds: since this run began.
        now: frames searched in this run.
    """

    done: int = 0
    total: int = 0
    objects: int = 0
    failures: int = 0
    seconds: float = 0.0
    now: int = 0

    @property
    def rate(self) -> float:
        """Frames a second in this run."""
        return self.now / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until all are searched, if they go on as they did; None before the first."""
        return (self.total - self.done) / self.rate if self.now else None


def run_survey(
    store: SurveyStore,
    sources: Sequence[Source],
    total: int,
    search: Inference,
    show: Callable[[Progress], None],
    stop: threading.Event,
) -> Progress:
    """Search what is missing.

    Args:
        store: what it goes into; what it holds is not searched again.
        sources: all of the survey's.
        total: frames that they hold, as far as that can be told.
        search: what searches them.
        show: called whenever something has been stored.
        stop: set from elsewhere to end soon.

    Returns:
        How far it came.

    Raises:
        SonarDebrisError: the results cannot be written; what was stored before stays, and the survey can go on.
    """
    ids = store.add_sources(source.name for source in sources)
    missing = store.progress()
    jobs = [
        Job(ids[source.name], source.name, source.path, missing[ids[source.name]])
        for source in sources
        if missing[ids[source.name]] is not None
    ]
    progress = _so_far(store, total)
    begin = time.monotonic()
    for outcomes in search(jobs, stop):
        try:
            with store.transaction():
                _write(store, outcomes)
        except sqlite3.Error as error:
            raise SonarDebrisError(f"{store.path}: {error}; put that right and run the same command again") from error
        _count(progress, outcomes)
        progress.seconds = time.monotonic() - begin
        show(progress)
    return progress


def _so_far(store: SurveyStore, total: int) -> Progress:
    ((frames, failures),) = store.read("SELECT COUNT(*), COUNT(failure) FROM frame")
    ((sources,),) = store.read("SELECT COUNT(failure) FROM source")
    ((objects,),) = store.read("SELECT COUNT(*) FROM detection")
    return Progress(frames, total, objects, failures + sources)


def _write(store: SurveyStore, outcomes: Sequence[ShardResult]) -> None:
    for each in outcomes:
        if each.frame:
            store.add_frame(each.source, each.frame)
        else:
            store.finish_source(each.source, each.failure)


def _count(progress: Progress, outcomes: Sequence[ShardResult]) -> None:
    frames = [each.frame for each in outcomes if each.frame]
    progress.done += len(frames)
    progress.now += len(frames)
    progress.objects += sum(len(frame.detections) for frame in frames)
    progress.failures += sum(frame.failure is not None for frame in frames)
    progress.failures += sum(each.failure is not None for each in outcomes)
