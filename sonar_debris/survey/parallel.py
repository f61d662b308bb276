"""Process a survey in several processes, of this machine or of a cluster, with one writer.

Jobs are split into shards. Each worker process loads the model once and returns the records of a shard. They are
stored in the order of the survey, so that an interrupted survey has no gaps before the position that it reached.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import find_model, list_models
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.loader import count_frames
from sonar_debris.survey.folder import hash_model
from sonar_debris.survey.inference import Inference, Reading, ShardResult, local_inference
from sonar_debris.survey.prefetch import POLL_INTERVAL, Job

# Batches per shard: some seconds of work.
SHARD_BATCHES = 32
# Shards submitted per worker, so that none is idle while the writer waits for the first one.
SHARDS_AHEAD = 4

# A worker may have several threads, but Python's warning filters, which readers use, belong to the whole process.
_process_lock = threading.Lock()


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker needs to process shards.

    Attributes:
        model: name of a shipped model, or a path that the worker can read, too.
        sha256: hash of the model; a worker whose model differs refuses to work.
        min_score: lowest score of a detection, in [0, 1].
        reading: how the sources are read.
    """

    model: str
    sha256: str
    min_score: float
    reading: Reading


def parallel_inference(executor: Executor, workers: int, config: WorkerConfig) -> Inference:
    """Return a function that processes jobs through an executor.

    Args:
        executor: runs `process_shard`, in processes that see the files under the same paths.
        workers: number of shards that it processes at the same time.
        config: what the workers need.

    Returns:
        The function, to be passed to `process_sources`. It raises `SonarDebrisError` if a worker process dies.
    """

    def process_jobs(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[ShardResult]]:
        pending: deque[Future[list[ShardResult]]] = deque()
        try:
            for shard in split_shards(jobs, config.reading):
                pending.append(executor.submit(process_shard, config, shard))
                if len(pending) >= SHARDS_AHEAD * workers:
                    yield from _wait_for_first(pending, stop)
            while pending and not stop.is_set():
                yield from _wait_for_first(pending, stop)
        except BrokenProcessPool as error:
            # A signal that ends the whole process group also ends the workers, maybe before this process reacts to it.
            if stop.wait(POLL_INTERVAL):
                return
            raise SonarDebrisError("a worker process died; run the same command again to resume the survey") from error
        finally:
            for future in pending:
                future.cancel()

    return process_jobs


def _wait_for_first(pending: deque[Future[list[ShardResult]]], stop: threading.Event) -> Iterator[list[ShardResult]]:
    """Yield the results of the first pending shard; nothing if the event is set before they are ready."""
    while not stop.is_set():
        try:
            results = pending[0].result(timeout=POLL_INTERVAL)
        except NotReady:
            continue
        pending.popleft()
        yield results
        return


def split_shards(jobs: Sequence[Job], reading: Reading) -> Iterator[list[Job]]:
    """Split long recordings into several shards, and combine short sources in one shard.

    Args:
        jobs: the frames to process.
        reading: how the sources are read.

    Yields:
        The jobs of one shard: about ``SHARD_BATCHES`` batches, in the order of the survey.
    """
    shard: list[Job] = []
    shard_frames = 0
    for job in jobs:
        for part, frame_count in _split_job(job, reading):
            shard.append(part)
            shard_frames += frame_count
            if shard_frames >= SHARD_BATCHES * reading.batch_size:
                yield shard
                shard, shard_frames = [], 0
    if shard:
        yield shard


def _split_job(job: Job, reading: Reading) -> Iterator[tuple[Job, int]]:
    """Yield the parts of a job, each with its number of frames; the last part ends at the end of the source."""
    frames = reading.selection.frames
    step = frames.step or 1
    length = SHARD_BATCHES * reading.batch_size * step
    start = max(job.start, frames.start or 0)
    end = count_frames(job.path, replace(reading.selection, frames=slice(frames.stop)))
    path = job.path.absolute()
    if end is None:  # a shard of its own: only reading the source would tell where to split it
        yield replace(job, path=path, start=start), SHARD_BATCHES * reading.batch_size
        return
    while start + length < end:
        yield replace(job, path=path, start=start, stop=start + length), SHARD_BATCHES * reading.batch_size
        start += length
        job = replace(job, read_from=None)
    yield replace(job, path=path, start=start), max(1, len(range(start, end, step)))


def process_shard(config: WorkerConfig, jobs: Sequence[Job]) -> list[ShardResult]:
    """Process a shard, in a worker.

    Args:
        config: the model and the settings.
        jobs: the jobs of the shard.

    Returns:
        The results, in the order of the jobs.

    Raises:
        SonarDebrisError: the worker does not have the model, or has another one of that name.
    """
    with _process_lock:
        detector = _load_detector(config.model, config.sha256, config.min_score)
        process_jobs = local_inference(detector, config.reading)
        return [result for results in process_jobs(jobs, threading.Event()) for result in results]


@lru_cache(maxsize=1)
def _load_detector(model: str, sha256: str, min_score: float) -> DebrisDetector:
    if hash_model(find_model(model)) != sha256:
        raise SonarDebrisError(
            f"{model}: a worker has another model of that name; install the same model on all machines"
        )
    return DebrisDetector.from_pretrained(model, min_score)


@contextmanager
def local_processes(count: int) -> Iterator[Executor]:
    """Start worker processes on this machine; they share its cores."""
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    executor = ProcessPoolExecutor(count, get_context("spawn"), _initialize_worker, (threads,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _initialize_worker(threads: int) -> None:
    # Ctrl-C reaches the whole process group; only the first process reacts to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(threads)


@contextmanager
def dask_workers(address: str) -> Iterator[tuple[Executor, int]]:
    """Connect to a Dask cluster, which repeats the shards of a lost worker on other workers.

    Args:
        address: of the scheduler, such as ``tcp://host:8786``.

    Yields:
        An executor, and the number of shards that the cluster processes at the same time.

    Raises:
        SonarDebrisError: Dask is not installed, the scheduler does not answer, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise SonarDebrisError("--scheduler needs Dask: pip install 'sonar-debris[cluster]'") from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise SonarDebrisError(f"{address}: no Dask scheduler answers ({error})") from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise SonarDebrisError(f"{address}: the scheduler has no workers; start one with: dask worker {address}")
        yield client.get_executor(pure=False, retries=3), threads


def model_for_workers(model: str | Path) -> str:
    """Return the name of a shipped model, or the full path of another, for workers that run in other folders."""
    return str(model) if str(model) in list_models() else str(find_model(model).resolve())
