"""Fuzz what reads files: any content must give a result or an error that names the file, soon and with little memory.

Intact files are changed at random and read. One that causes another error, takes too long or needs too much memory is
kept, and its path is printed; ``--replay`` reads it again. With --atheris, libFuzzer changes the files of a format of
frames, guided by the code that they reach (pip install atheris); options after -- are passed on to it.

    python tests/fuzz.py all --seconds 1800
    python tests/fuzz.py tif survey --seconds 300 --seed 1
    python tests/fuzz.py survey --replay /tmp/fuzz-x/failure-survey-1
    python tests/fuzz.py aris --atheris -- -max_total_time=600 -rss_limit_mb=1500
"""

import argparse
import faulthandler
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import fuzz_data, fuzz_frames

# Limits of one file: seconds to read it, and memory of the process that it adds, in kB.
MAX_SECONDS, MAX_MEMORY = 20, 1_500_000


class Target(NamedTuple):
    """Something that reads a file.

    Attributes:
        make_seeds: returns the contents of intact files.
        change: returns a changed file, from two intact ones.
        read: writes a content to a file of a folder and reads it; raises an error if that is not as it should be.
    """

    make_seeds: Callable[[], list[bytes]]
    change: Callable[[bytes, bytes, np.random.Generator], bytes]
    read: Callable[[Path, bytes], None]


def _frame_target(suffix: str) -> Target:
    def read(folder: Path, data: bytes) -> None:
        fuzz_frames.read(folder / f"fuzzed.{suffix}", data, with_window=sum(data[-4:]) % 10 == 0)

    return Target(partial(fuzz_frames.make_seeds, suffix), partial(fuzz_frames.change, suffix), read)


TARGETS = {suffix: _frame_target(suffix) for suffix in fuzz_frames.SUFFIXES} | {
    name: Target(*functions) for name, functions in fuzz_data.TARGETS.items()
}


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise an error in the main thread if the block takes longer than ``MAX_SECONDS``."""

    def stop(signal_number: int, stack_frame: object) -> None:
        raise AssertionError(f"it took more than {MAX_SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def fuzz(name: str, seconds: float, seed: int, folder: Path) -> int:
    """Read randomly changed files for some time.

    Args:
        name: the target.
        seconds: how long.
        seed: of the random numbers.
        folder: where files that fail are kept.

    Returns:
        The number of files that failed.
    """
    faulthandler.enable()  # a file that kills the process is found in the folder as well
    target, rng = TARGETS[name], np.random.default_rng(seed)
    seeds, failures, number = target.make_seeds(), 0, 0
    for intact in seeds:
        target.read(folder, intact)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number += 1
        data, other = (seeds[int(rng.integers(len(seeds)))] for _ in range(2))
        data = target.change(data, other, rng)
        begin = time.monotonic()
        try:
            with time_limit():
                target.read(folder, data)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert used - memory < MAX_MEMORY, f"it needed {(used - memory) / 1000:.0f} MB"
            assert time.monotonic() - begin < MAX_SECONDS, f"it took {time.monotonic() - begin:.0f} s"
        except Exception as error:
            failures += 1
            kept = folder / f"failure-{name}-{failures}"
            kept.write_bytes(data)
            print(f"{kept}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            memory = max(memory, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"{name}: {number} files, {failures} failures", flush=True)
    return failures


def fuzz_with_atheris(suffix: str, options: list[str], folder: Path) -> None:
    """Let libFuzzer change the files; it ends the process.

    Args:
        suffix: the format.
        options: options of libFuzzer.
        folder: where the files are written.
    """
    import atheris

    with atheris.instrument_imports(include=["sonar_debris.frames"]):
        import sonar_debris.frames.loader  # noqa: F401 - instrumented when it is imported
    seeds = folder / "seeds"
    seeds.mkdir(exist_ok=True)
    for number, data in enumerate(fuzz_frames.make_seeds(suffix)):
        (seeds / f"{number}.{suffix}").write_bytes(data)
    atheris.Setup([sys.argv[0], *options, str(seeds)], partial(TARGETS[suffix].read, folder))
    atheris.Fuzz()


def main() -> int:
    """Parse the arguments and fuzz; return the exit code."""
    summary, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=[*TARGETS, "all"], nargs="+", help="what to fuzz; several in turn")
    parser.add_argument("--seconds", type=float, default=60, help="time for all targets (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random changes (default: 0)")
    parser.add_argument("--folder", type=Path, help="where failing files are kept (default: a temporary folder)")
    parser.add_argument("--replay", type=Path, help="read this file as the first target does, and stop")
    parser.add_argument("--atheris", action="store_true", help="let libFuzzer change the files; for one format")
    arguments = sys.argv[1:]
    separator = arguments.index("--") if "--" in arguments else len(arguments)
    selected = parser.parse_args(arguments[:separator])
    folder = selected.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    names = list(TARGETS) if "all" in selected.target else selected.target
    if selected.replay:
        TARGETS[names[0]].read(folder, selected.replay.read_bytes())
        return 0
    if selected.atheris:
        fuzz_with_atheris(names[0], arguments[separator + 1 :], folder)
    return 1 if sum(fuzz(name, selected.seconds / len(names), selected.seed, folder) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
