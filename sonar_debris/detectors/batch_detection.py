"""Detect debris in a stream of frames, and write the results to a folder."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sonar_debris import __version__
from sonar_debris.detections import Detections
from sonar_debris.detectors.base import DebrisDetector, detect_isolating_failures
from sonar_debris.errors import FailureLog, one_line
from sonar_debris.files import open_output_folder
from sonar_debris.frames.conditions import ConditionsCheck, SonarConditions
from sonar_debris.frames.frame import Frame
from sonar_debris.outputs.results import ResultFolder

DEFAULT_BATCH_SIZE = 4


@dataclass(frozen=True)
class DetectionSummary:
    """What a detection run read and detected.

    Attributes:
        folder: where the results are.
        frames: number of frames read in which detection succeeded.
        failed: number of inputs and frames that failed, and of pictures that could not be written.
        counts: number of detections by class name, without alternative labels.
    """

    folder: Path
    frames: int
    failed: int
    counts: Counter[str]


def detect_frames(
    detector: DebrisDetector,
    frames: Iterable[Frame],
    batch_size: int = DEFAULT_BATCH_SIZE,
    on_failure: Callable[[str, str], None] | None = None,
) -> Iterator[tuple[Frame, Detections]]:
    """Detect debris in frames, batch by batch; a frame that fails does not affect the others.

    Args:
        detector: the detector.
        frames: the frames, for example from `open_frames`. They may differ in size.
        batch_size: number of frames that are processed, and in memory, at the same time.
        on_failure: called with the name of each frame in which detection fails, and the reason.

    Yields:
        Each other frame and its detections.

    Warns:
        UnseenConditionsWarning: sonar or ranges are outside of what the model was trained on; once for each sonar.

    Example:
        >>> for frame, detections in detect_frames(detector, open_frames("dive-07.aris")):  # doctest: +SKIP
        ...     print(frame.index, detections.names)
    """
    stream = iter(frames)
    conditions_check = ConditionsCheck(detector.settings.conditions)
    while batch := list(islice(stream, batch_size)):
        for frame, result in zip(batch, detect_isolating_failures(detector, batch), strict=True):
            if isinstance(result, Detections):
                conditions_check.warn(frame.name, SonarConditions.of_frame(frame))
                yield frame, result
            elif on_failure:
                on_failure(frame.name, f"detection failed ({one_line(result)})")


def detect_to_folder(
    detector: DebrisDetector,
    frames: Iterable[Frame],
    folder: Path,
    batch_size: int = DEFAULT_BATCH_SIZE,
    pictures: bool = True,
    failures: FailureLog | None = None,
    progress: Callable[[int], None] | None = None,
) -> DetectionSummary:
    """Detect debris in frames and write ``detections.coco.json``, ``detections.csv`` and annotated pictures.

    Args:
        detector: the detector.
        frames: the frames, for example from `open_frames`.
        folder: where the results are written; created if it does not exist.
        batch_size: number of frames that are processed, and in memory, at the same time.
        pictures: whether to write one annotated PNG per frame to ``annotated/``.
        failures: the log of what could not be read. Frames in which detection fails are added to it; the COCO file
            lists all of it.
        progress: called with the number of frames processed so far, failed ones included.

    Returns:
        Counts of frames, failures and detections.

    Raises:
        OutputError: the folder cannot be created or written to.
        OSError: a result file cannot be written.
        KeyboardInterrupt: the run was interrupted; the results of the frames so far are written.

    Example:
        >>> failures = FailureLog(on_failure=print)
        >>> frames = open_frames("dive-07/", failures.add_error)  # doctest: +SKIP
        >>> detect_to_folder(detector, frames, Path("out"), failures=failures)  # doctest: +SKIP
    """
    failures = FailureLog() if failures is None else failures
    # The detections of a frame without a picture are complete: it is no failure in the COCO file.
    missing_pictures = FailureLog(failures.on_failure)
    info = {"version": __version__, "model": detector.name, "min_score": float(detector.min_score)}
    results = ResultFolder(open_output_folder(folder), detector.class_names, info, pictures)
    try:
        for frame, detections in detect_frames(detector, frames, batch_size, failures.add):
            try:
                results.add(frame, detections)
            except OSError as error:
                missing_pictures.add(frame.name, f"picture not written ({one_line(error)})")
            if progress:
                progress(results.frames + len(failures))
    except KeyboardInterrupt:
        results.write(failures.entries, interrupted=True)
        raise
    if progress:
        progress(results.frames + len(failures))  # once more, as the last frames may have failed
    results.write(failures.entries)
    return DetectionSummary(folder, results.frames, len(failures) + len(missing_pictures), results.counts)
