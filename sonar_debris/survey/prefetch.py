"""Reads the frames of a survey ahead of detection, in batches."""

import queue
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sonar_debris.frames import Frame, FrameReadError, FrameReadWarning, open_frames
from sonar_debris.frames.fan_outline import RangeWindow
from sonar_debris.frames.frame_selection import FrameSelection

# Batches that are read ahead: enough for detection never to wait, and no more memory than that.
AHEAD = 3


@dataclass(frozen=True)
class Job:
    """A source whose frames are wanted from a position on.

    Attributes:
        source: its id in the database.
        name: of the source.
        path: its file.
        start: the first missing position.
        stop: the position to end before; None for the source's end, of which is told.
    """

    source: int
    name: str
    path: Path
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True)
class ReadItem:
    """A frame, an error in its place, or the end of its source.

    Attributes:
        source: the id of its source.
        frame: the frame, or None.
        error: why there is none, with its ``index``.
        failure: at the end of a source that was not whole, or could not be read at all, why.
    """

    source: int
    frame: Frame | None = None
    error: FrameReadError | None = None
    failure: str | None = None


@dataclass
class Batch:
    """Frames of one or several sources, and what else was met between them.

    Attributes:
        items: in the order of the sources.
    """

    items: list[ReadItem] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        """The frames among them."""
        return [item.frame for item in self.items if item.frame]


def read_batches(
    jobs: Iterable[Job], size: int, wanted: FrameSelection, window: RangeWindow | None, stop: threading.Event
) -> Iterator[Batch]:
    """Read sources one after the other in a thread of its own.

    Batches are cut where they would be had nothing been read before: results do not depend on interruptions.

    Args:
        jobs: what to read.
        size: frames a batch; the last may be smaller.
        wanted: what of each source.
        window: the fan of frames that do not tell it.
        stop: set to read no further.
    """
    ahead: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
    closed = threading.Event()

    def put(batch: Batch | BaseException | None) -> None:
        while not closed.is_set():
            try:
                return ahead.put(batch, timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for batch in _cut(_read_all(jobs, wanted, window), size):
                put(batch)
                if closed.is_set():
                    return
            put(None)
        except BaseException as error:  # it belongs to whoever waits for the next batch
            put(error)

    thread = threading.Thread(target=work, name="reading", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            try:
                batch = ahead.get(timeout=0.2)
            except queue.Empty:
                continue
            if batch is None:
                return
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        closed.set()
        thread.join()


def _read_all(jobs: Iterable[Job], wanted: FrameSelection, window: RangeWindow | None) -> Iterator[ReadItem]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FrameReadWarning)
        for job in jobs:
            failures: list[str] = []
            for read in _read_source(job, wanted, window):
                if isinstance(read, Frame):
                    yield ReadItem(job.source, replace(read, name=job.name))
                elif read.index is not None:
                    yield ReadItem(job.source, error=read)
                else:
                    failures.append(read.reason)
            failures += [each.message.reason for each in caught if issubclass(each.category, FrameReadWarning)]
            caught.clear()
            if job.stop is None:
                yield ReadItem(job.source, failure="; ".join(failures) or None)


def _read_source(job: Job, wanted: FrameSelection, window: RangeWindow | None) -> Iterator[Frame | FrameReadError]:
    """Frames and errors in the order in which they were met."""
    errors: list[FrameReadError] = []
    try:
        for frame in open_frames(job.path, errors.append, _part(job, wanted), window):
            yield from errors
            errors.clear()
            yield frame
    except FrameReadError as error:
        errors.append(error)
    yield from errors


def _part(job: Job, wanted: FrameSelection) -> FrameSelection:
    """What of a source is wanted, of that what lies in the job's part."""
    frames = wanted.frames
    first, step = frames.start or 0, frames.step or 1
    if job.start > first:
        first += -(-(job.start - first) // step) * step
    stop = min((each for each in (frames.stop, job.stop) if each is not None), default=None)
    return replace(wanted, frames=slice(first, stop, step))


def _cut(items: Iterable[ReadItem], size: int) -> Iterator[Batch]:
    """Batches of ``size`` frames. A source's end goes with its last frame: none is left with its end alone missing."""
    batch, count = Batch(), 0
    for item in items:
        if item.frame and count == size:
            yield batch
            batch, count = Batch(), 0
        batch.items.append(item)
        count += item.frame is not None
    if batch.items:
        yield batch
