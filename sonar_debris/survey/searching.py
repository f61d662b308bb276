"""Searching the frames of a survey, batch by batch, in this process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sonar_debris.detection.detector import DebrisDetector
from sonar_debris.detection.resilient import detect_each
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.frames.wanted import EVERYTHING, Wanted
from sonar_debris.survey.reading import Batch, Job, Read, read_batches
from sonar_debris.survey.rows import Searched, failed, searched


@dataclass(frozen=True)
class Outcome:
    """What became of a frame, or of a source that has been read to its end.

    Attributes:
        source: the id of the source.
        frame: the rows that a frame makes; None at a source's end.
        failure: at the end of a source that was not whole, or could not be read at all, why.
    """

    source: int
    frame: Searched | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Reading:
    """How sources are read.

    Attributes:
        batch_size: frames at a time.
        wanted: what of each source.
        window: the fan of frames that do not tell it.
    """

    batch_size: int = 8
    wanted: Wanted = field(default=EVERYTHING)
    window: RangeWindow | None = None


# Searches jobs until the event is set; what belongs into one transaction comes together, sources in their order.
Search = Callable[[Sequence[Job], threading.Event], Iterator[list[Outcome]]]


def search_here(detector: DebrisDetector, reading: Reading) -> Search:
    """Search in this process, while a thread reads ahead; an object has one name, however low the scores."""
    detector = detector.with_settings(alternatives=0.0)

    def search(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[Outcome]]:
        for batch in read_batches(jobs, reading.batch_size, reading.wanted, reading.window, stop):
            yield _search_batch(detector, batch, reading.batch_size)

    return search


def _search_batch(detector: DebrisDetector, batch: Batch, size: int) -> list[Outcome]:
    frames = batch.frames
    # Always as many frames: scores do not depend, in their sixth digit, on how full a batch is.
    filled = [*frames, *frames[-1:] * (size - len(frames))]
    found = iter(detect_each(detector, filled) if frames else ())
    return [_outcome(item, next(found) if item.frame else None) for item in batch.items]


def _outcome(item: Read, found: object) -> Outcome:
    if item.error:
        return Outcome(item.source, failed(item.error.index, item.error.reason))
    if item.frame is None:
        return Outcome(item.source, failure=item.failure)
    if isinstance(found, Exception):
        return Outcome(item.source, failed(item.frame.index, f"detection failed ({found})"))
    return Outcome(item.source, searched(item.frame, found))
