"""Measure a survey with one and with two Dask workers of one thread each, and with two of which one is killed midway.

    python benchmarks/survey_workers.py --model single-pass

prints the frames per second, and whether each database equals that of a survey without a cluster, row by row.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from long_survey import CLI, TABLES, make_dive, read_progress, read_rows, start_survey

from sonar_debris.detectors.model_folder import DEFAULT_MODEL

ONE_THREAD = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH")
@click.option("--frames", default=5000, show_default=True)
def main(model: str, frames: int) -> None:
    """Print the measurements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dive = make_dive(folder / "dive", frames)
        survey(model, dive, folder / "local")
        rate_of_one = survey_on_cluster(model, dive, folder, "one-worker", workers=1)
        print(f"1 worker: {rate_of_one:.1f} frames per second; {describe_rows(folder, 'one-worker')}")
        rate_of_two = survey_on_cluster(model, dive, folder, "two-workers", workers=2)
        print(f"2 workers: {rate_of_two:.1f} frames per second, {rate_of_two / rate_of_one:.2f} times;", end=" ")
        print(describe_rows(folder, "two-workers"))
        survey_on_cluster(model, dive, folder, "one-killed", workers=2, kill=True)
        print(f"2 workers, one killed midway: {describe_rows(folder, 'one-killed')}")


def survey_on_cluster(model: str, dive: Path, folder: Path, name: str, workers: int, kill: bool = False) -> float:
    """Survey with a new cluster; return the frames per second."""
    with start_cluster(folder, workers) as (address, processes):
        return survey(model, dive, folder / name, ("--scheduler", address), processes[0] if kill else None)


def survey(
    model: str,
    dive: Path,
    folder: Path,
    options: Sequence[str] = (),
    worker_to_kill: subprocess.Popen[bytes] | None = None,
) -> float:
    """Survey, and kill a worker when half of the frames are done.

    Returns:
        Frames per second, including the time to load the model.
    """
    rate = 0.0
    with start_survey(model, dive, folder, options) as process:
        for progress in read_progress(process):
            rate = progress["frames_per_second"]
            if worker_to_kill and progress["done"] > progress["total"] / 2:
                worker_to_kill.send_signal(signal.SIGKILL)
                worker_to_kill = None
    return rate


@contextmanager
def start_cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and workers, and stop them at the end.

    Yields:
        The scheduler's address, and the processes of the workers.
    """
    from distributed import Client

    scheduler_file = folder / "scheduler.json"
    scheduler_file.unlink(missing_ok=True)
    options = ("--no-dashboard", "--scheduler-file", str(scheduler_file))
    processes = [_start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *options)]
    try:
        while not scheduler_file.exists():
            time.sleep(0.1)
        for _ in range(workers):
            processes.append(_start("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *options))
        with Client(scheduler_file=str(scheduler_file)) as client:
            client.wait_for_workers(workers)
            address = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(CLI.parent)}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, stderr=subprocess.DEVNULL)


def describe_rows(folder: Path, name: str) -> str:
    """Describe how a database differs from that of the survey without a cluster."""
    differing = [table for table in TABLES if read_rows(folder / name, table) != read_rows(folder / "local", table)]
    return f"rows differ in {', '.join(differing)}" if differing else "the same rows as without a cluster"


if __name__ == "__main__":
    main()
