"""Searching a survey in several processes, of this machine or of a cluster, with one writer.

Jobs are cut into shards. Each worker process loads the model once and gives back the rows that a shard makes; they are
stored here, in the order of the survey, so that whatever interrupts a survey, nothing is missing before its end.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import find_model
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.loader import count_frames
from sonar_debris.survey.inference import Inference, Reading, ShardResult, local_inference
from sonar_debris.survey.manifest import hash_model
from sonar_debris.survey.prefetch import Job

# Batches a shard: some seconds of work.
SHARD = 32
# Shards handed out for each worker, so that none waits while the writer waits for the first.
AHEAD = 4

# A worker may have several threads, but the warnings of readers belong to a whole process.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class WorkerConfig:
    """With what a worker searches.

    Attributes:
        model: name of a shipped model, or the path of another, which the worker must see too.
        sha256: of the model; a worker that has another by that name refuses to search.
        min_score: lower scores are left out.
        reading: how sources are read.
    """

    model: str
    sha256: str
    min_score: float
    reading: Reading


def parallel_inference(executor: Executor, workers: int, recipe: WorkerConfig) -> Inference:
    """Search through an executor.

    Args:
        executor: runs `process_shard`, in processes that see the files under the same paths.
        workers: how many shards it works on at a time.
        recipe: with what.
    """

    def search(jobs: Sequence[Job], stop: threading.Event) -> Iterator[list[ShardResult]]:
        waiting: deque[Future] = deque()
        try:
            for shard in cut_shards(jobs, recipe.reading):
                waiting.append(executor.submit(process_shard, recipe, shard))
                if len(waiting) >= AHEAD * workers:
                    yield from _first(waiting, stop)
            while waiting and not stop.is_set():
                yield from _first(waiting, stop)
        except BrokenProcessPool as error:
            raise SonarDebrisError("a worker process died; run the same command again to go on") from error
        finally:
            for future in waiting:
                future.cancel()

    return search


def _first(waiting: deque[Future], stop: threading.Event) -> Iterator[list[ShardResult]]:
    """The result of the first that waits, unless there is none by the time of the stop."""
    while not stop.is_set():
        try:
            result = waiting[0].result(timeout=0.2)
        except NotYet:
            continue
        waiting.popleft()
        yield result
        return


def cut_shards(jobs: Sequence[Job], reading: Reading) -> Iterator[list[Job]]:
    """Cut long recordings, and put short ones together, in their order."""
    shard, size = [], 0
    for job in jobs:
        for piece, frames in _cut(job, reading):
            shard.append(piece)
            size += frames
            if size >= SHARD * reading.batch_size:
                yield shard
                shard, size = [], 0
    if shard:
        yield shard


def _cut(job: Job, reading: Reading) -> Iterator[tuple[Job, int]]:
    """Pieces of a source with the number of frames in each; the last goes to its end, wherever that is."""
    frames = reading.wanted.frames
    length = SHARD * reading.batch_size * (frames.step or 1)
    start, end = max(job.start, frames.start or 0), len(range(count_frames(job.path))[: frames.stop])
    path = job.path.resolve()
    while start + length < end:
        yield replace(job, path=path, start=start, stop=start + length), SHARD * reading.batch_size
        start += length
    yield replace(job, path=path, start=start), max(1, len(range(start, end, frames.step or 1)))


def process_shard(recipe: WorkerConfig, jobs: Sequence[Job]) -> list[ShardResult]:
    """Search a shard, in a worker.

    Raises:
        SonarDebrisError: the worker has no such model, or another of that name.
    """
    with _one_at_a_time:
        search = local_inference(_load(recipe.model, recipe.sha256, recipe.min_score), recipe.reading)
        return [outcome for outcomes in search(jobs, threading.Event()) for outcome in outcomes]


@lru_cache(maxsize=1)
def _load(model: str, sha256: str, min_score: float) -> DebrisDetector:
    if hash_model(find_model(model)) != sha256:
        raise SonarDebrisError(f"{model}: a worker has another model of that name; install the same everywhere")
    return DebrisDetector.from_pretrained(model, min_score)


@contextmanager
def local_processes(count: int) -> Iterator[Executor]:
    """An executor of worker processes on this machine, which share its cores."""
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    executor = ProcessPoolExecutor(count, get_context("spawn"), _prepare, (threads,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _prepare(threads: int) -> None:
    # Ctrl-C reaches the whole group of processes; the first one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(threads)


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor of the workers of a Dask scheduler, and how many shards they work on at a time.

    Shards of a worker that is lost are done again by others.

    Raises:
        SonarDebrisError: Dask is not installed, the scheduler does not answer, or has no workers.
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


def model_for_workers(model: str) -> str:
    """A model's name if it is shipped, else its whole path, for workers that run in other folders."""
    folder = find_model(model)
    return str(folder.resolve()) if Path(model).is_dir() else model
