"""Options that commands share: which labelled data to use, and how to train on it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sonar_debris.backend import quiet_backend
from sonar_debris.datasets.splits import FOLDS, SPLITS, split_parts
from sonar_debris.datasets.training_set import Selection, TrainingSet, UserTestSet, choose_training_parts
from sonar_debris.errors import SonarDebrisError

DATA_VARIABLE = "SONAR_DEBRIS_DATA"
RELEASE = "marine-debris-fls"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")

EXISTING = click.Path(exists=True, path_type=Path)
_FOLD_OR_NONE = click.Choice([*FOLDS, "none"])

with_data = click.option(
    "--data",
    "root",
    type=click.Path(path_type=Path),
    help=f"Folder of the public release (holds watertank-segmentation/).  [default: {RELEASE} in ${DATA_VARIABLE}]",
)
with_split = click.option("--split", type=click.Choice(SPLITS), default="scene", show_default=True)
with_output = click.option(
    "-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="RUN", help="Run folder."
)


def find_data(root: Path | None) -> Path:
    """Return the folder of the public release: the given one, or the one that the environment names.

    Raises:
        SonarDebrisError: neither is given, or the folder does not exist.
    """
    if root is None and not os.environ.get(DATA_VARIABLE):
        raise SonarDebrisError(f"no labelled data: give --data ROOT, or set {DATA_VARIABLE} to the folder of {RELEASE}")
    root = root or Path(os.environ[DATA_VARIABLE]) / RELEASE
    if not root.is_dir():
        raise SonarDebrisError(f"{root}: no such folder; give --data the folder that holds watertank-segmentation/")
    return root


def with_selection(command: Callable) -> Callable:
    """Add the options --data, --split, --fold and --part; the command gets them as one argument ``selection``."""

    @_with_parts
    @functools.wraps(command)
    def run(root: Path | None, split: str, folds: tuple[int, ...], part: str | None, **others: Any) -> Any:
        return command(selection=Selection(find_data(root), split, choose_parts(split, folds, part)), **others)

    return run


def with_test_frames(command: Callable) -> Callable:
    """Add the options of `with_selection`, and --images and --labels to use one's own frames in their place."""

    @_with_parts
    @click.option("--images", type=EXISTING, metavar="FOLDER", help="Your own images, in place of the public release.")
    @click.option(
        "--labels", type=EXISTING, metavar="PATH", help="Their labels: COCO .json, Pascal VOC or YOLO folder."
    )
    @functools.wraps(command)
    def run(
        root: Path | None,
        split: str,
        folds: tuple[int, ...],
        part: str | None,
        images: Path | None,
        labels: Path | None,
        **others: Any,
    ) -> Any:
        selection: Selection | UserTestSet
        if images and labels:
            if root or folds or part or split == "random":
                raise click.UsageError(
                    "--data, --split, --fold and --part choose frames of the release; leave out --images"
                )
            selection = UserTestSet.read(images, labels)
        elif images or labels:
            raise click.UsageError("--images and --labels belong together")
        else:
            selection = Selection(find_data(root), split, choose_parts(split, folds, part))
        return command(selection=selection, **others)

    return run


def _with_parts(command: Callable) -> Callable:
    """Add the options --data, --split, --fold and --part."""
    folds = click.IntRange(0, len(FOLDS) - 1)
    command = click.option("--part", type=click.Choice(split_parts("random")), help="Part of the random split.")(
        command
    )
    command = click.option("--fold", "folds", type=folds, multiple=True, help="Scene fold; repeat it to pool.")(command)
    return with_data(with_split(command))


def choose_parts(split: str, folds: tuple[int, ...], part: str | None) -> tuple[str, ...]:
    """Return the parts of a split that --fold and --part choose.

    Args:
        split: ``"scene"`` or ``"random"``.
        folds: folds of the scene split; fold 0 if there are none.
        part: part of the random split; None for ``"test"``.

    Returns:
        The parts.

    Raises:
        click.UsageError: an option belongs to the other split.
    """
    if split == "scene" and part:
        raise click.UsageError("--part belongs to --split random; choose scenes with --fold")
    if split == "random" and folds:
        raise click.UsageError("--fold belongs to --split scene; choose a random part with --part")
    return tuple(map(str, folds or (0,))) if split == "scene" else (part or "test",)


@dataclass(frozen=True)
class TrainingOptions:
    """The options that choose a training set. The release is looked up only by `training_set`.

    Attributes:
        root: the folder of the public release, or None for the one that the environment names.
        split: ``"scene"`` or ``"random"``.
        test_fold: fold of the scene split to leave out, or None.
        val_fold: fold of the scene split to validate on, or None to train on the validation part too.
        simulated: number of simulated frames to train on as well.
    """

    root: Path | None
    split: str
    test_fold: str | None
    val_fold: str | None
    simulated: int

    def training_set(self) -> TrainingSet:
        """Return the parts of the public release that the options choose.

        Raises:
            click.UsageError: the two folds are the same.
            SonarDebrisError: there is no release.
        """
        try:
            train, val = choose_training_parts(self.split, self.test_fold, self.val_fold)
        except ValueError as error:
            raise click.UsageError("--test-fold and --val-fold must differ") from error
        return TrainingSet(find_data(self.root), self.split, train, val, self.simulated)


def with_training_options(command: Callable) -> Callable:
    """Add the options that choose a training set; the command gets them as one argument ``options``."""

    @with_data
    @with_split
    @click.option(
        "--test-fold", type=_FOLD_OR_NONE, default="0", show_default=True, help="Scene fold left out for testing."
    )
    @click.option(
        "--val-fold",
        type=_FOLD_OR_NONE,
        default="3",
        show_default=True,
        help="Scene fold to validate on. With none, training uses the validation part too, also of the random split.",
    )
    @click.option(
        "--simulated", type=click.IntRange(min=0), default=0, show_default=True, help="Number of simulated frames."
    )
    @functools.wraps(command)
    def run(root: Path | None, split: str, test_fold: str, val_fold: str, simulated: int, **others: Any) -> Any:
        folds = [None if fold == "none" else fold for fold in (test_fold, val_fold)]
        return command(options=TrainingOptions(root, split, folds[0], folds[1], simulated), **others)

    return run


def with_training_set(command: Callable) -> Callable:
    """Add the options that choose a training set; the command gets the argument ``training_set``."""

    @with_training_options
    @functools.wraps(command)
    def run(options: TrainingOptions, **others: Any) -> Any:
        return command(training_set=options.training_set(), **others)

    return run


def with_training_config(
    epochs: int, steps: int, batch_size: int = 64, learning_rate: float = 1e-3
) -> Callable[[Callable], Callable]:
    """Add the options of a training's length and learning rate; the command gets them as one argument ``config``.

    Args:
        epochs: default of --epochs.
        steps: default of --steps, the batches per epoch.
        batch_size: default of --batch-size.
        learning_rate: default of --learning-rate.

    Returns:
        The decorator.
    """

    def decorate(command: Callable) -> Callable:
        positive = click.FloatRange(0, min_open=True)

        @click.option("--epochs", type=click.IntRange(min=1), default=epochs, show_default=True)
        @click.option(
            "--steps", type=click.IntRange(min=1), default=steps, show_default=True, help="Batches per epoch."
        )
        @click.option("--batch-size", type=click.IntRange(min=1), default=batch_size, show_default=True)
        @click.option("--learning-rate", type=positive, default=learning_rate, show_default=True)
        @with_seed_and_precision
        @functools.wraps(command)
        def run(
            epochs: int, steps: int, batch_size: int, learning_rate: float, seed: int, precision: str, **others: Any
        ) -> Any:
            with quiet_backend():
                from sonar_debris.training import TrainingConfig
            config = TrainingConfig(epochs, steps, batch_size, learning_rate, seed=seed, precision=precision)
            return command(config=config, **others)

        return run

    return decorate


def with_seed_and_precision(command: Callable) -> Callable:
    """Add the options --seed and --precision."""
    command = click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True)(
        command
    )
    return click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)(command)
