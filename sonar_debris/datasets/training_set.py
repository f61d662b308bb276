"""Choose parts of the public release: to train on, to validate on, to evaluate on.

Importing this module is cheap: the readers are imported when labels are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sonar_debris.datasets.splits import FOLDS, split_parts

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame


@dataclass(frozen=True)
class Selection:
    """Parts of a split of the public release.

    Attributes:
        root: the folder of the release.
        split: one of `SPLITS`.
        parts: folds of the scene split, or parts of the random split.
    """

    root: Path
    split: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.split} split, part {', '.join(self.parts)}"

    def labelled_frames(self) -> list[LabelledFrame]:
        """List the labelled frames of these parts, without reading the images.

        Raises:
            SonarDebrisError: the folder holds no labels, or the split has no such part.
        """
        from sonar_debris.datasets.release import read_watertank
        from sonar_debris.datasets.splits import select_frames

        return select_frames(self.root, read_watertank(self.root), self.split, self.parts)


@dataclass(frozen=True)
class TrainingSet:
    """Parts of the public release to train and to validate on, and a number of simulated frames.

    Attributes:
        root: the folder of the release.
        split: one of `SPLITS`.
        train: parts to train on.
        val: parts to validate on; none of them is in ``train``.
        simulated: number of simulated frames to train on as well.
    """

    root: Path
    split: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    simulated: int = 0

    def labelled_frames(self, parts: Sequence[str]) -> list[LabelledFrame]:
        """List the labelled frames of parts of the split, e.g. of ``train``.

        Raises:
            SonarDebrisError: the folder holds no labels, or the split has no such part.
        """
        return Selection(self.root, self.split, tuple(parts)).labelled_frames()

    def merge_validation(self) -> TrainingSet:
        """Return the training set that trains on the validation parts too, and validates on none."""
        return replace(self, train=(*self.train, *self.val), val=())

    def describe(self) -> dict[str, Any]:
        """Return the entries for ``model.json``: split, parts, test fold and number of simulated frames."""
        description: dict[str, Any] = {"split": self.split, "train": self.train, "validation": self.val}
        held_out = [part for part in split_parts(self.split) if part not in (*self.train, *self.val)]
        if self.split == "scene" and held_out:
            description["test_fold"] = int(held_out[0])
        return description | {"simulated_frames": self.simulated}


@dataclass(frozen=True)
class TrainingDataDescription:
    """What a model's files record about its training data: what an evaluation needs to know.

    Attributes:
        split: the split of the public release that the model was trained on; None for other data, or if unknown.
        left_out: the part of this split that was left out of the training: a fold of the scene split, ``"test"`` of
            the random split; None if no part was left out, or if unknown.
    """

    split: str | None = None
    left_out: str | None = None

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Self:
        """Read the entry ``data`` of a ``model.json`` or ``classifier.json``, as `TrainingSet.describe` writes it.

        Example:
            >>> TrainingDataDescription.from_json({"split": "scene", "train": ["1", "2", "4"], "test_fold": 0})
            TrainingDataDescription(split='scene', left_out='0')
        """
        split = description.get("split")
        if split == "random":
            return cls(split, "test")
        test_fold = description.get("test_fold")
        return cls(split, None if split != "scene" or test_fold is None else str(test_fold))


def choose_training_parts(
    split: str, test_fold: str | None, val_fold: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the parts to train on and to validate on.

    Args:
        split: one of `SPLITS`.
        test_fold: fold of the scene split that is left out for testing, or None. The random split has its part test.
        val_fold: fold of the scene split to validate on. None trains on the validation part too, in both splits.

    Returns:
        The parts to train on, and the parts to validate on.

    Raises:
        ValueError: the two folds are the same.

    Example:
        >>> choose_training_parts("scene", test_fold="0", val_fold="3")
        (('1', '2', '4'), ('3',))
    """
    if split == "random":
        return (("train",), ("val",)) if val_fold is not None else (("train", "val"), ())
    if test_fold is not None and test_fold == val_fold:
        raise ValueError(f"test_fold and val_fold must differ. Received: {test_fold!r} for both")
    val = () if val_fold is None else (val_fold,)
    return tuple(fold for fold in FOLDS if fold not in (test_fold, val_fold)), val
