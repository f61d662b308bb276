"""A long survey: its memory, its speed beside that of the bare detector, and what it is worth after a violent end.

    python benchmarks/long_survey.py --model single-pass

makes ten recordings, of 20,000 simulated frames in all, two of them cut off, and a dozen damaged files; surveys them
undisturbed; then anew, killed (SIGKILL) at five random moments, and compares the databases row by row.
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
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.detectors.model_folder import DEFAULT_MODEL
from sonar_debris.frames import open_frames
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.simulator.dive import ADVANCE, dive_scenes
from sonar_debris.simulator.recording import FAN, RATE, START, record

CLI = Path(__file__).parents[1] / "cli.py"
RECORDINGS, SCENES, DAMAGED, KILLS, BATCH = 10, 400, 12, 5, 8
TABLES = {
    "source": "id",
    "frame": "source, position",
    "detection": "source, position, rank",
    "object": "id",
    "sighting": "source, position, rank",
}


@click.command()
@click.option("--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH")
@click.option("--frames", default=20_000, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the moments of the kills.")
def main(model: str, frames: int, seed: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        dive = make_dive(Path(folder) / "dive", frames)
        before = bare_rate(model, dive)
        short, _, _ = survey(model, dive / "dive-00.aris", Path(folder) / "short")
        peak, rate, seconds = survey(model, dive, Path(folder) / "night")
        bare = (before + bare_rate(model, dive)) / 2
        print(f"peak memory: {short:.0f} MB for one recording, {peak:.0f} MB for all: {peak / short:.3f} times")
        print(f"{rate:.1f} frames a second, the bare detector {bare:.1f}: {rate / bare:.1%}")
        interrupted(model, dive, Path(folder) / "killed", random.Random(seed), seconds)
        compare(Path(folder) / "night", Path(folder) / "killed")


def make_dive(folder: Path, frames: int) -> Path:
    """Recordings that repeat one short dive, and damaged files among them."""
    folder.mkdir()
    short = [(echoes, header) for echoes, header, _ in record(dive_scenes(SCENES, FAN, 0), ADVANCE)]
    for number in range(RECORDINGS):
        path = folder / f"dive-{number:02d}.aris"
        write_aris(path, _repeat(short, frames // RECORDINGS, number * frames))
        if number in (3, 7):
            path.write_bytes(path.read_bytes()[:-1000])
    for number in range(DAMAGED):
        (folder / f"dive-{number:02d}-damaged{('.aris', '.png', '.npy')[number % 3]}").write_bytes(b"damaged" * 300)
    return folder


def _repeat(short: list, count: int, first: int) -> Iterator[tuple]:
    for index in range(count):
        echoes, header = short[index % len(short)]
        yield echoes, header | {"frame_time": round((START + (first + index) / RATE) * 1e6)}


def bare_rate(model: str, dive: Path) -> float:
    """Frames a second of the detector on frames that lie in memory."""
    with quiet_backend():
        from sonar_debris import DebrisDetector

    detector = DebrisDetector.from_pretrained(model)
    frames = list(islice(open_frames(dive / "dive-00.aris"), 20 * BATCH))
    detector.detect_batch(frames[:BATCH])
    begin = time.perf_counter()
    for at in range(0, len(frames), BATCH):
        detector.detect_batch(frames[at : at + BATCH])
    return len(frames) / (time.perf_counter() - begin)


def start(model: str, dive: Path, night: Path) -> subprocess.Popen:
    """Start a survey."""
    words = ("survey", "run", dive, "-o", night, "--model", model, "--batch-size", BATCH, "--progress", "json")
    command = [sys.executable, str(CLI), *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def survey(model: str, inputs: Path, night: Path) -> tuple[float, float, float]:
    """Peak memory in megabytes, frames a second, and seconds in all."""
    begin, last = time.monotonic(), {}
    process = start(model, inputs, night)
    for line in process.stderr:
        if line.startswith("{"):
            last = json.loads(line)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_maxrss / 1024, last["frames_per_second"], time.monotonic() - begin


def interrupted(model: str, dive: Path, night: Path, rng: random.Random, seconds: float) -> None:
    """Survey with kills, and to the end after them."""
    for _ in range(KILLS):
        process = start(model, dive, night)
        after = rng.uniform(0.02, 0.25) * seconds
        timer = time.monotonic() + after
        while time.monotonic() < timer and process.poll() is None:
            process.stderr.readline()  # it stops when nobody reads
        process.send_signal(signal.SIGKILL)
        process.communicate()
        print(f"killed after {after:.0f} s, {len(rows(night, 'frame'))} frames stored")
    process = start(model, dive, night)
    process.communicate()
    print(f"went on to the end: exit code {process.returncode} (1: damaged files)")


def rows(night: Path, table: str) -> list[tuple]:
    """All rows of a table; none before the database is made."""
    path = night / "survey.sqlite"
    if not path.exists():
        return []
    database = sqlite3.connect(path)
    try:
        return database.execute(f"SELECT * FROM {table} ORDER BY {TABLES[table]}").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        database.close()


def compare(undisturbed: Path, killed: Path) -> None:
    """Print whether both databases hold the same."""
    for table in TABLES:
        expected = rows(undisturbed, table)
        print(f"{table}: {len(expected)} rows, {'the same' if rows(killed, table) == expected else 'NOT the same'}")
    database = sqlite3.connect(killed / "survey.sqlite")
    print("integrity check:", database.execute("PRAGMA integrity_check").fetchone()[0])
    database.close()


if __name__ == "__main__":
    main()
