"""Read the frames of a survey in a thread, ahead of detection, in batches."""

import queue
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from sonar_debris.frames import Frame, FrameReadError, FrameReadWarning, open_frames
from sonar_debris.frames.frame import FrameGeometryWarning, FrameSelection, merge_warnings
from sonar_debris.frames.range_window import RangeWindow

# Batches that are read ahead: enough that detection never waits, without using much memory.
BATCHES_AHEAD = 3
# Seconds after which a waiting thread checks whether it should stop.
POLL_INTERVAL = 0.2


@dataclass(frozen=True)
class Job:
    """The frames of a source that are still missing, or a part of them.

    Attributes:
        source: id of the source in the database.
        name: name of the source.
        path: its file.
        start: position of the first missing frame.
        stop: position after the last frame; None to read to the end of the source and report that end.
        read_from: position of a frame before ``start`` from which the source is read, without reporting the frames
            before ``start``: a reader notices only after the last frame that a file is truncated.
    """

    source: int
    name: str
    path: Path
    start: int = 0
    stop: int | None = None
    read_from: int | None = None


@dataclass(frozen=True)
class ReadItem:
    """A frame, an error in place of a frame, or the end of a source.

    Attributes:
        source: id of the source.
        frame: the frame, or None.
        error: why a frame could not be read; its ``index`` is the frame's position.
        failure: at the end of a source, why it could not be read, or not to its end.
    """

    source: int
    frame: Frame | None = None
    error: FrameReadError | None = None
    failure: str | None = None


@dataclass
class Batch:
    """Frames of one or several sources, with the errors and ends of sources between them.

    Attributes:
        items: in the order of the sources.
    """

    items: list[ReadItem] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        """The frames of the batch."""
        return [item.frame for item in self.items if item.frame]


def read_batches(
    jobs: Iterable[Job],
    batch_size: int,
    selection: FrameSelection,
    range_window: RangeWindow | None,
    stop: threading.Event,
) -> Iterator[Batch]:
    """Read sources one after the other in a separate thread.

    Args:
        jobs: the frames to read.
        batch_size: frames per batch; the last batch may have fewer.
        selection: which frames of each source.
        range_window: range and field of view of frames that have no geometry of their own.
        stop: an event that ends reading when it is set.

    Yields:
        The batches, in the order of the jobs.

    Raises:
        BaseException: any error of the reading thread, except those that a `ReadItem` reports.
    """
    read_ahead: queue.Queue[Batch | BaseException | None] = queue.Queue(BATCHES_AHEAD)
    closed = threading.Event()

    def put(batch: Batch | BaseException | None) -> None:
        while not closed.is_set():
            try:
                return read_ahead.put(batch, timeout=POLL_INTERVAL)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for batch in _split_batches(_read_jobs(jobs, selection, range_window), batch_size):
                put(batch)
                if closed.is_set():
                    return
            put(None)
        except BaseException as error:  # raised again in the thread that waits for the next batch
            put(error)

    thread = threading.Thread(target=read, name="reading", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            try:
                batch = read_ahead.get(timeout=POLL_INTERVAL)
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


def _read_jobs(jobs: Iterable[Job], selection: FrameSelection, range_window: RangeWindow | None) -> Iterator[ReadItem]:
    geometry_warnings: list[FrameGeometryWarning] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FrameReadWarning)
        warnings.simplefilter("always", FrameGeometryWarning)
        for job in jobs:
            failures: list[str] = []
            for frame in _read_source(job, selection, range_window):
                if frame.index is not None and frame.index < job.start:
                    continue
                if isinstance(frame, Frame):
                    yield ReadItem(job.source, replace(frame, name=job.name))
                elif frame.index is not None:
                    yield ReadItem(job.source, error=frame)
                else:
                    failures.append(frame.reason)
            failures += [item.message.reason for item in caught if isinstance(item.message, FrameReadWarning)]
            geometry_warnings += [item.message for item in caught if isinstance(item.message, FrameGeometryWarning)]
            caught.clear()
            if job.stop is None:
                yield ReadItem(job.source, failure="; ".join(failures) or None)
    for warning in merge_warnings(geometry_warnings):
        warnings.warn(warning, stacklevel=2)


def _read_source(
    job: Job, selection: FrameSelection, range_window: RangeWindow | None
) -> Iterator[Frame | FrameReadError]:
    """Yield frames and errors in the order in which they occur."""
    errors: list[FrameReadError] = []
    try:
        for frame in open_frames(job.path, errors.append, _select_missing(job, selection), range_window):
            yield from errors
            errors.clear()
            yield frame
    except FrameReadError as error:
        errors.append(error)
    yield from errors


def _select_missing(job: Job, selection: FrameSelection) -> FrameSelection:
    """Return the part of a selection that lies between the start and the stop of a job."""
    frames = selection.frames
    start, step = frames.start or 0, frames.step or 1
    first = job.start if job.read_from is None else job.read_from
    if first > start:
        start += -(-(first - start) // step) * step
    stop = min((limit for limit in (frames.stop, job.stop) if limit is not None), default=None)
    return replace(selection, frames=slice(start, stop, step))


def _split_batches(items: Iterable[ReadItem], batch_size: int) -> Iterator[Batch]:
    """Split items into batches of ``batch_size`` frames.

    The end of a source goes into the batch of its last frame: all frames of a source are never stored without its end.
    """
    batch, frame_count = Batch(), 0
    for item in items:
        if item.frame and frame_count == batch_size:
            yield batch
            batch, frame_count = Batch(), 0
        batch.items.append(item)
        frame_count += item.frame is not None
    if batch.items:
        yield batch
