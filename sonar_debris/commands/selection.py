"""The options that choose labelled data: where it lies, which split and which part."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from sonar_debris.errors import SonarDebrisError

DATA_VARIABLE = "SONAR_DEBRIS_DATA"
RELEASE = "marine-debris-fls"


@dataclass(frozen=True)
class Selection:
    """A part of the labelled data.

    Attributes:
        root: the folder of the public release.
        split: ``"scene"`` or ``"random"``.
        parts: folds of the scene split, or a part of the random one.
    """

    root: Path
    split: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.split} split, part {', '.join(self.parts)}"


def with_selection(command: Callable) -> Callable:
    """Give a command the options --data, --split, --fold and --part, as one argument ``selection``."""

    @click.option(
        "--data",
        type=click.Path(path_type=Path),
        help=f"Folder of the public release (holds watertank-segmentation/).  [default: {RELEASE} in ${DATA_VARIABLE}]",
    )
    @click.option("--split", type=click.Choice(["scene", "random"]), default="scene", show_default=True)
    @click.option("--fold", "folds", type=click.IntRange(0, 4), multiple=True, help="Scene fold; repeat it to pool.")
    @click.option("--part", type=click.Choice(["train", "val", "test"]), help="Part of the random split.")
    @functools.wraps(command)
    def run(data: Path | None, split: str, folds: tuple[int, ...], part: str | None, **others):
        return command(selection=Selection(find_data(data), split, choose_parts(split, folds, part)), **others)

    return run


def find_data(given: Path | None) -> Path:
    """The folder of the public release: as given, or where the environment says.

    Raises:
        SonarDebrisError: neither names a folder.
    """
    if given is None and not os.environ.get(DATA_VARIABLE):
        raise SonarDebrisError(f"no labelled data: give --data ROOT, or set {DATA_VARIABLE} to the folder of {RELEASE}")
    root = given or Path(os.environ[DATA_VARIABLE]) / RELEASE
    if not root.is_dir():
        raise SonarDebrisError(f"{root}: no such folder; give --data the folder that holds watertank-segmentation/")
    return root


def choose_parts(split: str, folds: tuple[int, ...], part: str | None) -> tuple[str, ...]:
    """The parts of a split: fold 0 of the scene split and part test of the random one, unless others are given."""
    if split == "scene" and part:
        raise click.UsageError("--part belongs to --split random; choose scenes with --fold")
    if split == "random" and folds:
        raise click.UsageError("--fold belongs to --split scene; choose a random part with --part")
    return tuple(map(str, folds or (0,))) if split == "scene" else (part or "test",)
