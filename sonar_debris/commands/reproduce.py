"""``sonar-debris reproduce``: the published results, regenerated and set beside what was published."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.commands.data_options import find_data

STUDIES = {
    "classification": "Ten ways to name a crop: CNNs, MLPs and template matching.",
    "objectness": "Recall of proposals, beside other ways to propose.",
    "novel-objects": "Recall of objects of classes left out of training.",
    "end-to-end": "Whole frames: objects found, and found ones named right.",
    "transfer": "Pre-training on turntable crops against training from scratch.",
}


def with_study(command: Callable) -> Callable:
    """Give a command the options of a study."""

    @click.option("--data", type=click.Path(path_type=Path), help="Folder of the public release.")
    @click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="RESULTS", required=True)
    @click.option("--quick", is_flag=True, help="Small settings, minutes: shows that everything runs.")
    @click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
    @click.option(
        "--precision",
        type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16"]),
        default="float32",
        show_default=True,
    )
    @functools.wraps(command)
    def run(data: Path | None, **options):
        return command(root=find_data(data), **options)

    return run


@click.group()
def reproduce() -> None:
    """Regenerate the published results on the real data, beside the published figures.

    Run a command again to go on where it was interrupted. Each result is a folder with report.md, results.json and
    plots.

    \b
    Example:
      sonar-debris reproduce classification --data marine-debris-fls -o results
    """


def run_study(name: str, root: Path, output: Path, quick: bool, seed: int, precision: str) -> None:
    """Run one study into a folder of its own and say where it is."""
    with quiet_backend():
        from importlib import import_module

        module = import_module(f"sonar_debris.reproduce.{name.replace('-', '_')}")
        from sonar_debris.reproduce.study import Study
    command = shlex.join(["sonar-debris", *sys.argv[1:]])
    study = Study(root, output / name, quick, seed, precision, command)
    getattr(module, f"reproduce_{name.replace('-', '_')}")(study)
    click.echo(f"{name}{' (quick: the figures mean little)' if quick else ''}: see {study.folder / 'report.md'}")


def add_study(name: str, summary: str) -> None:
    """Give the group the command of a study."""

    @reproduce.command(name, help=f"{summary}\n\n\b\nExample:\n  sonar-debris reproduce {name} -o results --quick")
    @with_study
    def command(**options) -> None:
        run_study(name, **options)


for study_name, study_summary in STUDIES.items():
    add_study(study_name, study_summary)


@reproduce.command(name="all")
@with_study
def every(**options) -> None:
    """All of them, one after the other.

    \b
    Example:
      sonar-debris reproduce all -o results --quick
    """
    for name in STUDIES:
        run_study(name, **options)
