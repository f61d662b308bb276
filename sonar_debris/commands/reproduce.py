"""``sonar-debris reproduce``: reproduce published results and compare the figures."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.data_options import find_data, with_seed_and_precision
from sonar_debris.reproduce import STUDIES, load_study


def with_study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a study to a command."""

    @click.option("--data", type=click.Path(path_type=Path), help="Folder of the public release.")
    @click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="RESULTS", required=True)
    @click.option("--quick", is_flag=True, help="Small settings, minutes: shows that everything runs.")
    @with_seed_and_precision
    @functools.wraps(command)
    def run(data: Path | None, **options: Any) -> None:
        command(root=find_data(data), **options)

    return run


@click.group()
def reproduce() -> None:
    """Reproduce published results on the real data and compare the figures.

    Run a command again to resume it after an interruption. Each result is a folder with report.md, results.json and
    plots.

    \b
    Example:
      sonar-debris reproduce classification --data marine-debris-fls -o results
    """


def _run_study(name: str, root: Path, output: Path, quick: bool, seed: int, precision: str) -> None:
    with quiet_backend():
        run = load_study(name)
        from sonar_debris.reproduce.study import Study
    command = shlex.join(["sonar-debris", *sys.argv[1:]])
    study = Study(root, output / name, quick, seed, precision, command)
    run(study)
    note = " (quick run: the figures are not meaningful)" if quick else ""
    click.echo(f"{name}{note}: see {study.folder / 'report.md'}")


def _add_command(name: str, summary: str) -> None:
    help_text = f"{summary}\n\n\b\nExample:\n  sonar-debris reproduce {name} -o results --quick"

    @reproduce.command(name, help=help_text)
    @with_study_options
    def command(**options: Any) -> None:
        _run_study(name, **options)


for _name, (_, _summary) in STUDIES.items():
    _add_command(_name, _summary)


@reproduce.command(name="all")
@with_study_options
def run_all(**options: Any) -> None:
    """Run all studies, one after the other.

    \b
    Example:
      sonar-debris reproduce all -o results --quick
    """
    for name in STUDIES:
        _run_study(name, **options)
