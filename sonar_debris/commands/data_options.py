"""The options that choose labelled data: where it lies, which split and which part.

MERGED:
The options that the trainings share: what to learn from, for how long, and where to.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from sonar_debris.backend import quiet_backend
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


RATE = click.FloatRange(0, min_open=True)
FOLD = click.Choice([*"01234", "none"])


@dataclass(frozen=True)
class TrainingData:
    """What to train on.

    Attributes:
        root: the folder of the public release.
        split: ``"scene"`` or ``"random"``.
        train: parts to learn from.
        val: parts to validate on; none of them is in ``train``.
        simulated: number of simulated frames to add.
    """

    root: Path
    split: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    simulated: int

    def describe(self) -> dict:
        """What ``model.json`` says of it."""
        held_out = sorted(set(parts_of(self.split)) - {*self.train, *self.val})
        test = {"test_fold": int(held_out[0])} if self.split == "scene" and held_out else {}
        return {
            "split": self.split,
            "train": self.train,
            "validation": self.val,
            **test,
            "simulated_frames": self.simulated,
        }


def with_data(command: Callable) -> Callable:
    """Give a command the options that choose training data, as one argument ``data``."""

    @click.option("--data", "root", type=click.Path(path_type=Path), help="Folder of the public release.")
    @click.option("--split", type=click.Choice(["scene", "random"]), default="scene", show_default=True)
    @click.option("--test-fold", type=FOLD, default="0", show_default=True, help="Scene fold left for testing.")
    @click.option(
        "--val-fold",
        type=FOLD,
        default="3",
        show_default=True,
        help="Scene fold left for validation; with none, all but the test part is learnt, of the random split too.",
    )
    @click.option("--simulated", type=click.IntRange(min=0), default=0, show_default=True, help="Simulated frames too.")
    @functools.wraps(command)
    def run(root: Path | None, split: str, test_fold: str, val_fold: str, simulated: int, **others):
        train, val = choose_training_parts(split, test_fold, val_fold)
        # Who brings labels of their own needs no release.
        root = root or Path() if others.get("labels") else find_data(root)
        return command(data=TrainingData(root, split, train, val, simulated), **others)

    return run


def with_schedule(epochs: int, steps: int, batch_size: int = 64, learning_rate: float = 1e-3) -> Callable:
    """Give a command the options of a training schedule, as one argument ``schedule``."""

    def decorate(command: Callable) -> Callable:
        @click.option("--epochs", type=click.IntRange(min=1), default=epochs, show_default=True)
        @click.option("--steps", type=click.IntRange(min=1), default=steps, show_default=True, help="Batches an epoch.")
        @click.option("--batch-size", type=click.IntRange(min=1), default=batch_size, show_default=True)
        @click.option("--learning-rate", type=RATE, default=learning_rate, show_default=True)
        @with_seed_and_precision
        @functools.wraps(command)
        def run(epochs, steps, batch_size, learning_rate, seed, precision, **others):
            with quiet_backend():
                from sonar_debris.training import TrainingConfig
            schedule = TrainingConfig(epochs, steps, batch_size, learning_rate, seed=seed, precision=precision)
            return command(schedule=schedule, **others)

        return run

    return decorate


def with_seed_and_precision(command: Callable) -> Callable:
    """Give a command the options --seed and --precision."""
    precision = click.Choice(["float32", "mixed_bfloat16", "mixed_float16"])
    command = click.option("--precision", type=precision, default="float32", show_default=True)(command)
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)(command)


with_output = click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="RUN", help="Run folder."
)


def claim(output: Path, data: TrainingData, **options) -> None:
    """Refuse a run folder that was begun with other options."""
    from sonar_debris.files import check_resume

    check_resume(output, {**data.describe(), **options})


def choose_training_parts(split: str, test_fold: str, val_fold: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts to learn from and parts to validate on."""
    if split == "random":
        return (("train", "val"), ()) if val_fold == "none" else (("train",), ("val",))
    if test_fold == val_fold != "none":
        raise click.UsageError("--test-fold and --val-fold must differ")
    val = () if val_fold == "none" else (val_fold,)
    return tuple(fold for fold in parts_of("scene") if fold not in (test_fold, val_fold)), val


def parts_of(split: str) -> tuple[str, ...]:
    """All parts of a split."""
    return tuple("01234") if split == "scene" else ("train", "val", "test")
