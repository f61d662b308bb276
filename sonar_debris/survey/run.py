"""Run a survey: process the frames that are missing and store the results."""

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import DEFAULT_MODEL, find_model
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.files import check_outside, open_output_folder
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.frame import ALL_FRAMES, FrameSelection
from sonar_debris.frames.loader import OnError, count_frames
from sonar_debris.frames.range_window import RangeWindow
from sonar_debris.survey.database import database_errors
from sonar_debris.survey.folder import (
    check_no_other_files,
    check_settings,
    describe_run,
    describe_selection,
    hash_model,
    lock_folder,
    remove_survey,
    write_failures,
)
from sonar_debris.survey.inference import Inference, Reading, ShardResult, local_inference, warn_of_conditions
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.parallel import (
    WorkerConfig,
    dask_workers,
    local_processes,
    model_for_workers,
    parallel_inference,
)
from sonar_debris.survey.sources import Source, find_sources, plan_run
from sonar_debris.survey.store import SurveyStore, open_survey


@dataclass(frozen=True)
class SurveyConfig:
    """How a survey is run.

    Attributes:
        model: name of a shipped model, or a model folder.
        detector: a detector to use instead of ``model``, in this process. A resumed survey needs a detector with the
            same name, classes and threshold.
        min_score: lowest score of a detection, in [0, 1]; the model's own threshold by default.
        batch_size: frames per batch.
        workers: number of worker processes on this machine; by default frames are processed in this process.
        scheduler: address of a Dask scheduler whose workers process the frames, such as ``tcp://host:8786``.
        overwrite: replace an earlier survey in the folder instead of resuming it.
        selection: which frames of each source are read.
        range_window: range and field of view of frames that have no geometry of their own.
        decisions_from: folder of an earlier survey of the same files, whose decisions are kept where the detections of
            this survey overlap those that they were made on.

    Raises:
        ValueError: settings exclude each other, or a number is too small.
    """

    model: str | Path = DEFAULT_MODEL
    detector: DebrisDetector | None = None
    min_score: float | None = None
    batch_size: int = 8
    workers: int | None = None
    scheduler: str | None = None
    overwrite: bool = False
    selection: FrameSelection = ALL_FRAMES
    range_window: RangeWindow | None = None
    decisions_from: str | Path | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more. Received: {self.batch_size}")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be 1 or more. Received: {self.workers}")
        if self.workers and self.scheduler:
            raise ValueError(f"workers and scheduler exclude each other. Received: {self.workers}, {self.scheduler}")
        if self.detector and (self.workers or self.scheduler or self.min_score is not None):
            raise ValueError(
                "detector excludes workers, scheduler and min_score: workers load the model by its name. "
                f"Received: {self.workers}, {self.scheduler}, {self.min_score}"
            )


@dataclass(frozen=True)
class SurveyResult:
    """The result of a run.

    Attributes:
        frames: number of frames in the survey, including failed ones and those of earlier runs.
        failures: number of sources and frames that could not be read or processed.
        objects: number of objects; None if the run was stopped before they were counted.
        stopped: whether the run was stopped before all frames were processed.
        folder: the survey's folder.
    """

    frames: int
    failures: int
    objects: int | None
    stopped: bool
    folder: Path


@dataclass
class Progress:
    """The progress of a survey.

    Attributes:
        done: number of frames processed, including those of earlier runs.
        total: number of frames of all sources, which may be an estimate; None if it is not known before they are read.
        detections: number of detections so far.
        failures: number of sources and frames that could not be read or processed.
        seconds: time since this run began to process frames; 0 before the first batch.
        done_now: number of frames processed in this run.
    """

    done: int = 0
    total: int | None = 0
    detections: int = 0
    failures: int = 0
    seconds: float = 0.0
    done_now: int = 0

    @property
    def rate(self) -> float:
        """Frames per second in this run."""
        return self.done_now / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left in seconds, at the rate of this run; None before the first frame, or if the total is not known."""
        return max(0, self.total - self.done) / self.rate if self.done_now and self.total is not None else None


def run_survey(
    inputs: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    config: SurveyConfig | None = None,
    *,
    on_error: OnError | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
    notify: Callable[[str], None] | None = None,
) -> SurveyResult:
    """Process recordings, images and folders of them, and store detections and objects in a folder.

    If the folder holds a survey with the same settings, only missing frames and new inputs are processed, and files
    that failed or have changed since. Frames that cannot be read or processed are listed in ``failures.csv`` and in the
    database.

    Args:
        inputs: files, and folders that are searched with their subfolders.
        folder: the survey's folder, outside of all inputs; created if it does not exist.
        config: settings of the survey; those of `SurveyConfig` by default.
        on_error: called with the error of each input that does not exist or holds no frames, and of each subfolder that
            cannot be searched; they are then skipped. By default the error is raised.
        progress: called before the first batch and after each batch, with the same object, which changes.
        stop: an event that ends the run after the current batch when it is set, from another thread or a signal.
            Objects are then found when the survey is resumed or read.
        notify: called with one line about files that failed before or have changed, and about a lost manifest. By
            default a `SonarDebrisWarning` is issued.

    Returns:
        What the survey holds.

    Raises:
        FrameReadError: an input does not exist or holds no frames, or a subfolder cannot be searched, and ``on_error``
            is None.
        SonarDebrisError: there is nothing to process, the folder holds a survey with other settings or is used by
            another run, the model cannot be loaded, or results cannot be written. What was stored before is kept, and
            the survey can be resumed.

    Example:
        >>> result = run_survey(["dive-07/", "dive-08.aris"], "night", SurveyConfig(min_score=0.4))  # doctest: +SKIP
        >>> print(result.frames, result.objects)  # doctest: +SKIP
    """
    config = config or SurveyConfig()
    folder = Path(folder)
    stop = stop or threading.Event()
    check_outside(folder, inputs)
    sources = find_sources(inputs, on_error or _raise)
    if not sources:
        raise SonarDebrisError("nothing to process: the inputs hold no frames")
    open_output_folder(folder)
    with lock_folder(folder):
        return _run_locked(inputs, sources, folder, config, progress or _ignore, stop, notify or _warn)


def _run_locked(
    inputs: Sequence[str | os.PathLike[str]],
    sources: Sequence[Source],
    folder: Path,
    config: SurveyConfig,
    report_progress: Callable[[Progress], None],
    stop: threading.Event,
    notify: Callable[[str], None],
) -> SurveyResult:
    """Run a survey in a folder that no other run uses."""
    detector = config.detector or DebrisDetector.from_pretrained(config.model, config.min_score)
    model_sha256 = None if config.detector else hash_model(find_model(config.model))
    settings = describe_run(detector, model_sha256, _reading_options(config))
    if config.overwrite:
        remove_survey(folder)
    check_no_other_files(folder, settings)
    total = _count_sources(sources, config.selection)
    with SurveyStore(folder) as store:
        check_settings(store, settings, [os.fspath(path) for path in inputs], notify)
        if config.decisions_from:
            with open_survey(config.decisions_from) as earlier:
                store.adopt_decisions(earlier)
        with _open_inference(config, detector, model_sha256) as open_inference:
            inference = warn_of_conditions(open_inference, detector.settings.conditions)
            process_sources(store, sources, total, inference, report_progress, stop, notify)
        stopped = stop.is_set()
        write_failures(store, folder)
        objects = None if stopped else find_objects(store)
        counts = store.counts()
        if config.decisions_from and not stopped and (lost := store.count_adopted()):
            notify(f"{config.decisions_from}: {lost} decisions fit no detection of this survey")
    return SurveyResult(counts.frames, counts.failures, objects, stopped, folder)


def process_sources(
    store: SurveyStore,
    sources: Sequence[Source],
    total: int | None,
    inference: Inference,
    report_progress: Callable[[Progress], None],
    stop: threading.Event,
    notify: Callable[[str], None] | None = None,
) -> Progress:
    """Process the frames that the database does not have yet, and store the results.

    Args:
        store: the survey's database.
        sources: all sources of this run.
        total: number of frames of all sources; None if it is not known.
        inference: the function that processes frames.
        report_progress: called before the first batch and after each batch.
        stop: an event that ends the run after the current batch when it is set.
        notify: called with one line about files that failed before or have changed; by default no one is.

    Returns:
        The progress at the end.

    Raises:
        SonarDebrisError: the results cannot be written. What was stored before is kept, and the survey can be resumed.
    """
    notify = notify or _ignore
    plan = plan_run(store, sources, notify)
    counts = store.counts()
    progress = Progress(counts.frames, total, counts.detections, counts.failures - plan.retried_failures)
    report_progress(progress)
    begin = time.monotonic()
    for results in inference(plan.jobs, stop):
        advice = "solve that problem and run the same command again to resume the survey"
        with database_errors(store.path, advice), store.transaction():
            _write_results(store, results)
        _add_results(progress, results)
        progress.seconds = time.monotonic() - begin
        report_progress(progress)
    lost = store.count_set_aside(plan.changed_files)
    if lost and not stop.is_set():
        notify(f"{lost} decisions do not count: files changed, and the same detections were not made again")
    return progress


def _count_sources(sources: Sequence[Source], selection: FrameSelection) -> int | None:
    """Return the number of selected frames of all sources; None if that of one source is not known."""
    counts = [count_frames(source.path, selection) for source in sources]
    return None if None in counts else sum(count for count in counts if count is not None)


def _write_results(store: SurveyStore, results: Sequence[ShardResult]) -> None:
    for result in results:
        if result.frame:
            store.add_frame(result.source, result.frame)
        else:
            store.finish_source(result.source, result.failure)


def _add_results(progress: Progress, results: Sequence[ShardResult]) -> None:
    frames = [result.frame for result in results if result.frame]
    progress.done += len(frames)
    progress.done_now += len(frames)
    progress.detections += sum(len(frame.detections) for frame in frames)
    progress.failures += sum(frame.failure is not None for frame in frames)
    progress.failures += sum(result.failure is not None for result in results)


@contextmanager
def _open_inference(config: SurveyConfig, detector: DebrisDetector, model_sha256: str | None) -> Iterator[Inference]:
    """Prepare inference in this process, in worker processes, or on a cluster."""
    reading = Reading(config.batch_size, config.selection, config.range_window)
    if model_sha256 is None or not (config.workers or config.scheduler):
        yield local_inference(detector, reading)
        return
    worker_config = WorkerConfig(model_for_workers(config.model), model_sha256, detector.min_score, reading)
    if config.scheduler:
        with dask_workers(config.scheduler) as (executor, workers):
            yield parallel_inference(executor, workers, worker_config)
    elif config.workers:
        with local_processes(config.workers) as executor:
            yield parallel_inference(executor, config.workers, worker_config)


def _reading_options(config: SurveyConfig) -> dict[str, object]:
    """Return the settings of reading, which a resumed survey must match."""
    window = config.range_window.to_settings() if config.range_window else None
    return {**describe_selection(config.selection), "range_window": window}


def _raise(error: FrameReadError) -> None:
    raise error


def _warn(message: str) -> None:
    warnings.warn(SonarDebrisWarning(message), stacklevel=4)


def _ignore(report: Progress | str) -> None:
    pass
