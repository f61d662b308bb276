"""Searching the frames of a survey, batch by batch, in this process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sonar_debris.detectors.base import DebrisDetector, detect_isolating_failures
from sonar_debris.frames.fan_outline import RangeWindow
from sonar_debris.frames.frame_selection import ALL_FRAMES, FrameSelection
from sonar_debris.survey.prefetch import Batch, Job, ReadItem, read_batches
from sonar_debris.survey.store import FrameRecord, failed_record, frame_record


@dataclass(frozen=True)
class ShardResult:
    """What became of a frame, or of a source that has been read to its end.

    Attributes:
        source: the id of the source.
        frame: the rows that a frame makes; None at a source's end.
        failure: at the end of a source that was not whole, or could not be read at all, why.
    """

    source: int
    frame: FrameRecord | None = None
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
    wanted: FrameSelection = field(default=ALL_FRAMES)
    window: RangeWindow | None = None


# Searches jobs until the event is set; what belongs into one transaction comes together, sources in their order.
Inference = Callable[[Sequence[Job], threading.Event], Iterator[list[ShardResult]]]


def local_inference(detector: DebrisDetector, reading: Reading) -> Inference:
    """Search in this process, while a thread reads ahead; an object has one name, however low the scores."""
    detector = detector.with_settings(alternatives=0.0)

    def search(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[ShardResult]]:
        for batch in read_batches(jobs, reading.batch_size, reading.wanted, reading.window, stop):
            yield _process_batch(detector, batch, reading.batch_size)

    return search


def _process_batch(detector: DebrisDetector, batch: Batch, size: int) -> list[ShardResult]:
    frames = batch.frames
    # Always as many frames: scores do not depend, in their sixth digit, on how full a batch is.
    filled = [*frames, *frames[-1:] * (size - len(frames))]
    found = iter(detect_isolating_failures(detector, filled) if frames else ())
    return [_outcome(item, next(found) if item.frame else None) for item in batch.items]


def _outcome(item: ReadItem, found: object) -> ShardResult:
    if item.error:
        return ShardResult(item.source, failed_record(item.error.index, item.error.reason))
    if item.frame is None:
        return ShardResult(item.source, failure=item.failure)
    if isinstance(found, Exception):
        return ShardResult(item.source, failed_record(item.frame.index, f"detection failed ({found})"))
    return ShardResult(item.source, frame_record(item.frame, found))
