"""A survey by one and by two Dask workers of a thread each, and by two of which one is killed midway.

    python benchmarks/survey_workers.py --model single-pass

Prints frames a second of each, and whether each database equals that of a survey without a cluster, row by row.
"""

import json
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
from long_survey import BATCH, CLI, TABLES, make_dive, rows

from sonar_debris.detectors.model_folder import DEFAULT_MODEL

ONE_THREAD = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH")
@click.option("--frames", default=5000, show_default=True)
def main(model: str, frames: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dive = make_dive(folder / "dive", frames)
        survey(model, dive, folder / "here", ())
        alone = clustered(model, dive, folder, 1)
        print(f"1 worker: {alone:.1f} frames a second; {same(folder, 'by-1')}")
        both = clustered(model, dive, folder, 2)
        print(f"2 workers: {both:.1f} frames a second, {both / alone:.2f} times; {same(folder, 'by-2')}")
        clustered(model, dive, folder, 2, kill=True)
        print(f"2 workers, one killed midway: {same(folder, 'by-2-killed')}")


def clustered(model: str, dive: Path, folder: Path, count: int, kill: bool = False) -> float:
    """Frames a second with so many workers."""
    with workers(folder, count) as (address, processes):
        night = folder / f"by-{count}{'-killed' if kill else ''}"
        return survey(model, dive, night, ("--scheduler", address), processes[0] if kill else None)


def survey(
    model: str, dive: Path, night: Path, options: Sequence[str], victim: subprocess.Popen | None = None
) -> float:
    """Survey, and kill a worker once half of it is done; frames a second, the loading of models among them."""
    words = (
        "survey",
        "run",
        dive,
        "-o",
        night,
        "--model",
        model,
        "--batch-size",
        BATCH,
        "--progress",
        "json",
        *options,
    )
    command, last = [sys.executable, str(CLI), *map(str, words)], {}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            if line.startswith("{"):
                last = json.loads(line)
                if victim and last["done"] > last["total"] / 2:
                    victim.send_signal(signal.SIGKILL)
                    victim = None
    return last["frames_per_second"]


@contextmanager
def workers(folder: Path, count: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """A scheduler's address, and its workers."""
    from distributed import Client

    about = folder / "scheduler.json"
    about.unlink(missing_ok=True)
    where = ("--no-dashboard", "--scheduler-file", str(about))
    processes = [_start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *where)]
    try:
        while not about.exists():
            time.sleep(0.1)
        for _ in range(count):
            processes.append(_start("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *where))
        with Client(scheduler_file=str(about)) as client:
            client.wait_for_workers(count)
            address = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(module: str, *words: str) -> subprocess.Popen:
    environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(CLI.parent)}
    return subprocess.Popen([sys.executable, "-m", module, *words], env=environment, stderr=subprocess.DEVNULL)


def same(folder: Path, name: str) -> str:
    """Whether a database equals that of the survey without a cluster."""
    differing = [table for table in TABLES if rows(folder / name, table) != rows(folder / "here", table)]
    return f"rows differ in {', '.join(differing)}" if differing else "the same rows as without a cluster"


if __name__ == "__main__":
    main()
