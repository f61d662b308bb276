"""Runs a survey: reads ahead, detects in batches, stores each batch in one transaction."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sonar_debris.detection.detector import DebrisDetector
from sonar_debris.detection.resilient import detect_each
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.frames.wanted import EVERYTHING, Wanted
from sonar_debris.survey.reading import Batch, Job, Read, read_batches
from sonar_debris.survey.sources import Source
from sonar_debris.survey.store import Searched, SurveyStore, failed, searched


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


@dataclass(frozen=True)
class Plan:
    """What to search, and with what.

    Attributes:
        sources: all of the survey's.
        total: frames that they hold, as far as that can be told.
        detector: what searches them.
        batch_size: frames at a time.
        wanted: what of each source.
        window: the fan of frames that do not tell it.
    """

    sources: Sequence[Source]
    total: int
    detector: DebrisDetector
    batch_size: int = 8
    wanted: Wanted = EVERYTHING
    window: RangeWindow | None = None


def run_survey(store: SurveyStore, plan: Plan, show: Callable[[Progress], None], stop: threading.Event) -> Progress:
    """Search what is missing.

    Args:
        store: what it goes into; what it holds is not searched again.
        plan: what to search.
        show: called after each batch.
        stop: set from elsewhere to end after the current batch.

    Returns:
        How far it came.

    Raises:
        SonarDebrisError: the results cannot be written; what was stored before stays, and the survey can go on.
    """
    ids = store.add_sources(source.name for source in plan.sources)
    missing = store.progress()
    jobs = [
        Job(ids[source.name], source.name, source.path, missing[ids[source.name]])
        for source in plan.sources
        if missing[ids[source.name]] is not None
    ]
    progress = _so_far(store, plan.total)
    begin = time.monotonic()
    for batch in read_batches(jobs, plan.batch_size, plan.wanted, plan.window, stop):
        results = _search(plan.detector, batch)
        try:
            with store.transaction():
                _write(store, batch, results)
        except sqlite3.Error as error:
            raise SonarDebrisError(f"{store.path}: {error}; put that right and run the same command again") from error
        _count(progress, batch, results)
        progress.seconds = time.monotonic() - begin
        show(progress)
    return progress


def _so_far(store: SurveyStore, total: int) -> Progress:
    ((frames, failures),) = store.read("SELECT COUNT(*), COUNT(failure) FROM frame")
    ((sources,),) = store.read("SELECT COUNT(failure) FROM source")
    ((objects,),) = store.read("SELECT COUNT(*) FROM detection")
    return Progress(frames, total, objects, failures + sources)


def _search(detector: DebrisDetector, batch: Batch) -> dict[int, Searched]:
    """What became of each frame of a batch, by the number of its item."""
    numbers = [number for number, item in enumerate(batch.items) if item.frame]
    found = detect_each(detector, batch.frames) if numbers else []
    results = {}
    for number, one in zip(numbers, found, strict=True):
        frame = batch.items[number].frame
        whole = not isinstance(one, Exception)
        results[number] = searched(frame, one) if whole else failed(frame.index, f"detection failed ({one})")
    return results


def _write(store: SurveyStore, batch: Batch, results: dict[int, Searched]) -> None:
    for number, item in enumerate(batch.items):
        if item.frame:
            store.add_frames(item.source, [results[number]])
        elif item.error:
            store.add_frames(item.source, [failed(item.error.index, item.error.reason)])
        else:
            store.finish_source(item.source, item.failure)


def _count(progress: Progress, batch: Batch, results: dict[int, Searched]) -> None:
    searched_now = sum(item.frame is not None or item.error is not None for item in batch.items)
    progress.done += searched_now
    progress.now += searched_now
    progress.objects += sum(len(each.detections) for each in results.values())
    progress.failures += sum(_is_failure(item) for item in batch.items)
    progress.failures += sum(each.frame[-1] is not None for each in results.values())


def _is_failure(item: Read) -> bool:
    return item.error is not None or item.failure is not None
