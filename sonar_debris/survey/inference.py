"""Detection in the frames of a survey, batch by batch, in this process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector, detect_isolating_failures
from sonar_debris.frames.conditions import ConditionsCheck, SonarConditions
from sonar_debris.frames.frame import ALL_FRAMES, Frame, FrameSelection
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.outputs.coco import georeference
from sonar_debris.survey.prefetch import Batch, Job, ReadItem, read_batches
from sonar_debris.survey.records import DetectionRecord, FrameRecord

# Detections that score less are not stored. An object that is seen again and again counts although no detection of it
# scores enough to be reported.
CANDIDATE_MIN_SCORE = 0.1


@dataclass(frozen=True)
class ShardResult:
    """The result of one frame, or the end of a source.

    Attributes:
        source: id of the source.
        frame: the processed frame; None at the end of a source.
        failure: at the end of a source, why it could not be read, or not to its end; None if it was read to its end.
        name: the frame's name in reports.
        conditions: sonar and ranges of the frame, as far as they are known.
    """

    source: int
    frame: FrameRecord | None = None
    failure: str | None = None
    name: str = ""
    conditions: SonarConditions = SonarConditions()


@dataclass(frozen=True)
class Reading:
    """How the frames of sources are read.

    Attributes:
        batch_size: frames per batch.
        selection: which frames of each source.
        range_window: range and field of view of frames that have no geometry of their own.
    """

    batch_size: int = 8
    selection: FrameSelection = ALL_FRAMES
    range_window: RangeWindow | None = None


# A function that processes jobs until the event is set. It yields results in the order of the jobs; a list of results
# belongs into one transaction.
Inference = Callable[[Sequence[Job], threading.Event], Iterator[list[ShardResult]]]


def local_inference(detector: DebrisDetector, reading: Reading) -> Inference:
    """Return a function that processes jobs in this process, while a thread reads frames ahead.

    Args:
        detector: the detector. Alternative labels of a detection are not reported: an object has one class. Detections
            between `CANDIDATE_MIN_SCORE` and its ``min_score`` are candidates.
        reading: how the sources are read.

    Returns:
        The function, to be passed to `process_sources`.
    """
    min_score = detector.min_score
    detector = detector.with_settings(
        alternative_max_score=0.0,
        unknown_min_score=1.0,
        object_weights=(),  # objects are unknown by all of their sightings, see `find_objects`
        min_score=min(min_score, CANDIDATE_MIN_SCORE),
    )

    def process_jobs(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[ShardResult]]:
        for batch in read_batches(jobs, reading.batch_size, reading.selection, reading.range_window, stop):
            yield _process_batch(detector, batch, reading.batch_size, min_score)

    return process_jobs


def _process_batch(detector: DebrisDetector, batch: Batch, batch_size: int, min_score: float) -> list[ShardResult]:
    frames = batch.frames
    # Pad the batch with copies of its last frame: the sixth digit of the scores depends on the size of a batch.
    padded = [*frames, *frames[-1:] * (batch_size - len(frames))]
    results = iter(detect_isolating_failures(detector, padded) if frames else ())
    return [_item_result(item, next(results) if item.frame else None, min_score) for item in batch.items]


def _item_result(item: ReadItem, detections: Detections | Exception | None, min_score: float) -> ShardResult:
    if item.error:
        return ShardResult(item.source, FrameRecord(item.error.index or 0, failure=item.error.reason))
    if item.frame is None or detections is None:
        return ShardResult(item.source, failure=item.failure)
    if isinstance(detections, Exception):
        return ShardResult(item.source, FrameRecord(item.frame.index, failure=f"detection failed ({detections})"))
    record, conditions = frame_record(item.frame, detections, min_score), SonarConditions.of_frame(item.frame)
    return ShardResult(item.source, record, name=item.frame.name, conditions=conditions)


def warn_of_conditions(inference: Inference, trained_on: SonarConditions | None) -> Inference:
    """Return the function with an `UnseenConditionsWarning` for each sonar that the model was not trained on.

    Args:
        inference: processes jobs in this process or in others.
        trained_on: the conditions of the model's training frames, or None.

    Returns:
        A function with the same results.
    """
    check = ConditionsCheck(trained_on)

    def process_jobs(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[ShardResult]]:
        for results in inference(jobs, stop):
            for result in results:
                check.warn(result.name, result.conditions)
            yield results

    return process_jobs


def frame_record(frame: Frame, detections: Detections, min_score: float = 0.0) -> FrameRecord:
    """Convert a frame and its detections to what the survey's database stores.

    Args:
        frame: the frame.
        detections: the detections in it.
        min_score: detections that score less are candidates.

    Returns:
        The record; boxes are rounded to 0.001 pixels, scores to six decimals.
    """
    rows, cols = frame.image.shape
    navigation = frame.navigation
    is_reported = detections.score >= min_score
    return FrameRecord(
        position=frame.index,
        rows=rows,
        cols=cols,
        time=frame.time,
        heading=navigation.heading if navigation else None,
        latitude=navigation.latitude if navigation else None,
        longitude=navigation.longitude if navigation else None,
        depth=navigation.depth if navigation else None,
        detections=detection_records(frame, detections[is_reported]),
        candidates=detection_records(frame, detections[~is_reported]),
    )


def detection_records(frame: Frame, detections: Detections) -> list[DetectionRecord]:
    """Convert the detections in a frame to what the survey's database stores.

    Args:
        frame: the frame.
        detections: the detections, in any order.

    Returns:
        One record per detection, in the same order; its place is None as far as the frame's geometry is unknown.
    """
    class_names = detections.names
    places: list[dict[str, Any]] = list(georeference(frame, detections.xyxy))
    return [
        DetectionRecord(
            x=round(left, 3),
            y=round(top, 3),
            w=round(right - left, 3),
            h=round(bottom - top, 3),
            class_name=class_names[i],
            score=round(float(detections.score[i]), 6),
            objectness=round(float(detections.objectness[i]), 6),
            **places[i],
        )
        for i, (left, top, right, bottom) in enumerate(detections.xyxy.tolist())
    ]
