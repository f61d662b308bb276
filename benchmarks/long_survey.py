"""Measure a long survey: its memory, its speed compared with the detector alone, and its result after several kills.

    python benchmarks/long_survey.py --model single-pass

writes ten recordings with 20,000 simulated frames in total, two of them truncated, and a dozen damaged files. It
surveys them without interruption, and again with five SIGKILLs at random times, and compares the databases row by row.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from sonar_debris.backend import quiet_backend
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.frames import open_frames
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.simulator.recording import ADVANCE, FAN, FRAME_RATE, START_TIME, dive_scenes, record

CLI = Path(__file__).parents[1] / "cli.py"
RECORDINGS, SCENES, DAMAGED, KILLS, BATCH = 10, 400, 12, 5, 8
TRUNCATED = (3, 7)
# The tables to compare, with their primary keys.
TABLES = {
    "source": "id",
    "frame": "source, position",
    "detection": "source, position, rank",
    "object": "id",
    "sighting": "source, position, rank",
}


class Measurement(NamedTuple):
    """Peak memory in megabytes, frames per second, and total seconds of a survey."""

    megabytes: float
    rate: float
    seconds: float


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH")
@click.option("--frames", default=20_000, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Seed of the times of the kills.")
def main(model: str, frames: int, seed: int) -> None:
    """Print the measurements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dive = make_dive(folder / "dive", frames)
        rate_before = detector_rate(model, dive)
        one = measure_survey(model, dive / "dive-00.aris", folder / "one-recording")
        all_recordings = measure_survey(model, dive, folder / "uninterrupted")
        rate = (rate_before + detector_rate(model, dive)) / 2
        memory_ratio = all_recordings.megabytes / one.megabytes
        print(f"peak memory: {one.megabytes:.0f} MB for one recording,", end=" ")
        print(f"{all_recordings.megabytes:.0f} MB for all: {memory_ratio:.3f} times")
        print(f"{all_recordings.rate:.1f} frames per second, the detector alone {rate:.1f}:", end=" ")
        print(f"{all_recordings.rate / rate:.1%}")
        survey_with_kills(model, dive, folder / "killed", random.Random(seed), all_recordings.seconds)
        compare(folder / "uninterrupted", folder / "killed")


def make_dive(folder: Path, frames: int) -> Path:
    """Write recordings that repeat one short dive, and damaged files."""
    folder.mkdir()
    short = [(echoes, header) for echoes, header, _ in record(dive_scenes(SCENES, FAN, 0), ADVANCE)]
    for number in range(RECORDINGS):
        path = folder / f"dive-{number:02d}.aris"
        write_aris(path, _repeat(short, frames // RECORDINGS, number * frames))
        if number in TRUNCATED:
            path.write_bytes(path.read_bytes()[:-1000])
    for number in range(DAMAGED):
        (folder / f"dive-{number:02d}-damaged{('.aris', '.png', '.npy')[number % 3]}").write_bytes(b"damaged" * 300)
    return folder


def _repeat(
    short: Sequence[tuple[np.ndarray, dict[str, Any]]], count: int, first: int
) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    for index in range(count):
        echoes, header = short[index % len(short)]
        yield echoes, header | {"frame_time": round((START_TIME + (first + index) / FRAME_RATE) * 1e6)}


def detector_rate(model: str, dive: Path) -> float:
    """Return the frames per second of the detector alone, with frames in memory."""
    with quiet_backend():
        from sonar_debris import DebrisDetector

    detector = DebrisDetector.from_pretrained(model)
    frames = list(islice(open_frames(dive / "dive-00.aris"), 20 * BATCH))
    detector.detect_batch(frames[:BATCH])
    start = time.perf_counter()
    for first in range(0, len(frames), BATCH):
        detector.detect_batch(frames[first : first + BATCH])
    return len(frames) / (time.perf_counter() - start)


def start_survey(model: str, inputs: Path, folder: Path, options: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a survey whose progress is written to a pipe as JSON lines."""
    arguments = ["survey", "run", str(inputs), "-o", str(folder), "--model", model]
    arguments += ["--batch-size", str(BATCH), "--progress", "json", *options]
    command = [sys.executable, str(CLI), *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def read_progress(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield the progress reports of a survey until it ends."""
    for line in process.stderr or ():
        if line.startswith("{"):
            yield json.loads(line)


def measure_survey(model: str, inputs: Path, folder: Path) -> Measurement:
    """Survey without interruption."""
    start, progress = time.monotonic(), {}
    process = start_survey(model, inputs, folder)
    for report in read_progress(process):
        progress = report
    _, _, usage = os.wait4(process.pid, 0)
    return Measurement(usage.ru_maxrss / 1024, progress["frames_per_second"], time.monotonic() - start)


def survey_with_kills(model: str, dive: Path, folder: Path, rng: random.Random, seconds: float) -> None:
    """Start a survey and kill it several times; then complete it."""
    for _ in range(KILLS):
        process = start_survey(model, dive, folder)
        delay = rng.uniform(0.02, 0.25) * seconds
        deadline = time.monotonic() + delay
        while process.stderr and time.monotonic() < deadline and process.poll() is None:
            process.stderr.readline()  # the survey blocks if the pipe is full
        process.send_signal(signal.SIGKILL)
        process.communicate()
        print(f"killed after {delay:.0f} s, {len(read_rows(folder, 'frame'))} frames stored")
    process = start_survey(model, dive, folder)
    process.communicate()
    print(f"completed: exit code {process.returncode} (1: some files are damaged)")


def read_rows(folder: Path, table: str) -> list[tuple[Any, ...]]:
    """Return all rows of a table of a survey, sorted; none if there is no database yet."""
    path = folder / "survey.sqlite"
    if not path.exists():
        return []
    database = sqlite3.connect(path)
    try:
        return database.execute(f"SELECT * FROM {table} ORDER BY {TABLES[table]}").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        database.close()


def compare(uninterrupted: Path, killed: Path) -> None:
    """Print whether both databases have the same rows."""
    for table in TABLES:
        expected = read_rows(uninterrupted, table)
        verdict = "the same" if read_rows(killed, table) == expected else "NOT the same"
        print(f"{table}: {len(expected)} rows, {verdict}")
    database = sqlite3.connect(killed / "survey.sqlite")
    print("integrity check:", database.execute("PRAGMA integrity_check").fetchone()[0])
    database.close()


if __name__ == "__main__":
    main()
