"""Surveys that several processes run have the same rows as those of one process."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames.frame import FrameSelection
from sonar_debris.survey import parallel
from sonar_debris.survey.inference import Reading
from sonar_debris.survey.parallel import WorkerConfig, dask_workers, local_processes, parallel_inference, split_shards
from sonar_debris.survey.prefetch import Job
from sonar_debris.survey.run import find_sources, process_sources
from sonar_debris.survey.store import SurveyStore
from tests.fakes import BrightSpots

READING = Reading(batch_size=2)
CONFIG = WorkerConfig("bright", "", 0.5, READING)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(parallel, "SHARD_BATCHES", 2)


@pytest.fixture
def bright_workers(monkeypatch):
    monkeypatch.setattr(parallel, "_load_detector", lambda *config: BrightSpots())


def run(folder, dive, inference):
    folder.mkdir(exist_ok=True)
    with SurveyStore(folder) as store:
        sources = find_sources([dive], lambda error: None)
        return process_sources(store, sources, 22, inference, lambda progress: None, threading.Event())


def ranges(shards):
    return [[(job.source, job.start, job.stop) for job in shard] for shard in shards]


@pytest.fixture
def job(tmp_path):
    np.save(tmp_path / "dive.npy", np.zeros((11, 6, 6), np.float32))
    return Job(1, "dive.npy", tmp_path / "dive.npy")


def test_long_recordings_are_split_and_short_sources_combined(dive):
    sources = find_sources([dive], lambda error: None)
    jobs = [Job(number, source.name, source.path) for number, source in enumerate(sources)]

    assert ranges(split_shards(jobs, READING)) == [
        [(0, 0, 4)],
        [(0, 4, 8)],
        [(0, 8, None), (1, 0, None)],
        [(2, 0, None), (3, 0, None), (4, 0, None), (5, 0, None)],
        [(6, 0, 4)],
        [(6, 4, None)],
    ]


@pytest.mark.parametrize(
    ("frames", "start", "expected"),
    [
        (slice(None), 5, [[(1, 5, 9)], [(1, 9, None)]]),
        (slice(2, 10, 2), 0, [[(1, 2, None)]]),
        (slice(None, 6), 0, [[(1, 0, 4)], [(1, 4, None)]]),
        (slice(50, None), 0, [[(1, 50, None)]]),
    ],
)
def test_only_missing_and_selected_frames_are_split(job, frames, start, expected):
    reading = Reading(2, FrameSelection(frames))

    assert ranges(split_shards([Job(1, "dive.npy", job.path, start)], reading)) == expected


@pytest.mark.parametrize("workers", [1, 3])
def test_the_rows_are_those_of_one_process(dive, process, rows, tmp_path, bright_workers, workers):
    process(tmp_path / "alone", [dive], batch_size=2)

    with ThreadPoolExecutor(workers) as executor:
        progress = run(tmp_path / "parallel", dive, parallel_inference(executor, workers, CONFIG))

    assert rows(tmp_path / "parallel") == rows(tmp_path / "alone")
    assert (progress.done, progress.failures) == (20, 2)


def test_workers_resume_a_survey_that_one_process_started(dive, process, rows, tmp_path, bright_workers):
    process(tmp_path / "alone", [dive], batch_size=2)
    process(tmp_path / "parallel", [dive], batch_size=2, batches=3)

    with ThreadPoolExecutor(2) as executor:
        run(tmp_path / "parallel", dive, parallel_inference(executor, 2, CONFIG))

    assert rows(tmp_path / "parallel") == rows(tmp_path / "alone")


def test_a_stop_does_not_wait_for_shards():
    stop, submitted = threading.Event(), []

    class Never:
        def submit(self, *task):
            submitted.append(Future())
            return submitted[-1]

    jobs = [Job(1, "gone.npy", None)]
    process_jobs = parallel_inference(Never(), 1, CONFIG)
    threading.Timer(0.3, stop.set).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "split_shards", lambda *_: [jobs])
        assert list(process_jobs(jobs, stop)) == []
    assert submitted[0].cancelled()


def test_a_worker_refuses_another_model_of_the_same_name(untrained):
    with pytest.raises(SonarDebrisError, match="a worker has another model of that name"):
        parallel._load_detector(str(untrained), "other", 0.5)


@pytest.fixture
def untrained(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    return tmp_path


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_process_that_dies_ends_the_run_and_no_shard_is_stored_in_part(dive, rows, tmp_path):
    class Dying:
        def __init__(self, executor):
            self.executor = executor

        def submit(self, *task):
            return self.executor.submit(die)

    with local_processes(1) as executor, pytest.raises(SonarDebrisError, match="a worker process died"):
        run(tmp_path / "night", dive, parallel_inference(Dying(executor), 1, CONFIG))
    assert rows(tmp_path / "night")["frame"] == []


def test_workers_that_the_signal_ends_too_are_no_error(monkeypatch):
    stop, jobs = threading.Event(), [Job(1, "gone.npy", None)]

    class Ending(Future):
        def result(self, timeout=None):
            threading.Timer(0.05, stop.set).start()
            raise BrokenProcessPool("terminated")

    class Executor:
        def submit(self, *task):
            return Ending()

    monkeypatch.setattr(parallel, "split_shards", lambda *_: [jobs])
    assert list(parallel_inference(Executor(), 1, CONFIG)(jobs, stop)) == []


WORKER = """
import sys, time
from tests.fakes import BrightSpots
from sonar_debris.survey import parallel
class Slow(BrightSpots):
    def detect_batch(self, frames):
        time.sleep(0.2)
        return super().detect_batch(frames)
parallel._load_detector = lambda *config: Slow()
from distributed.cli.dask_worker import main
main(sys.argv[1:])
"""


def start(*words):
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    return subprocess.Popen([sys.executable, *words], env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_rows(dive, process, rows, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
    process(tmp_path / "alone", [dive], batch_size=2)
    scheduler_file = tmp_path / "scheduler.json"
    words = ("--no-dashboard", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(scheduler_file))
    processes = [start("-m", "distributed.cli.dask_scheduler", *words)]
    try:
        while not scheduler_file.exists():
            assert processes[0].poll() is None
            time.sleep(0.1)
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--scheduler-file", str(scheduler_file))
        processes += [start("-c", WORKER, *options) for _ in range(2)]
        with distributed.Client(scheduler_file=str(scheduler_file)) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        with dask_workers(address) as (executor, workers):
            assert workers == 2
            killer = threading.Timer(0.5, processes[1].kill)
            killer.start()
            run(tmp_path / "night", dive, parallel_inference(executor, workers, CONFIG))
        assert processes[1].wait(timeout=10) == -signal.SIGKILL
        assert rows(tmp_path / "night") == rows(tmp_path / "alone")
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_an_error():
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    with pytest.raises(SonarDebrisError, match="no Dask scheduler answers"), dask_workers("tcp://127.0.0.1:1"):
        pass


def test_a_source_of_unknown_length_is_a_shard_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "count_frames", lambda path, selection: None)
    jobs = [Job(number, "dive.mkv", tmp_path / "dive.mkv", number) for number in range(2)]

    assert ranges(split_shards(jobs, Reading(2))) == [[(0, 0, None)], [(1, 1, None)]]
