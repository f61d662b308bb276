"""Choose parts of the public release: to train on, to validate on, to evaluate on.

Importing this module is cheap: the readers are imported when labels are read.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sonar_debris.datasets.splits import FOLDS, split_parts
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

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

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names that the frames' ``class_id`` indexes."""
        from sonar_debris.datasets.release import CLASS_NAMES

        return CLASS_NAMES

    def describe(self) -> dict[str, Any]:
        """Return what metrics in a file record of the frames."""
        return {"split": self.split, "parts": self.parts}

    def labelled_frames(self) -> list[LabelledFrame]:
        """List the labelled frames of these parts, without reading the images.

        Raises:
            SonarDebrisError: the folder holds no labels, or the split has no such part.
        """
        from sonar_debris.datasets.release import read_watertank
        from sonar_debris.datasets.splits import select_frames

        return select_frames(self.root, read_watertank(self.root), self.split, self.parts)


@dataclass(frozen=True)
class UserTestSet:
    """The user's own labelled frames, to evaluate on.

    Attributes:
        root: the folder of the images.
        labels: the file or the folder of the labels.
        frames: the labelled frames.
        class_names: the class names that the frames' ``class_id`` indexes.
    """

    root: Path
    labels: Path
    frames: Sequence[LabelledFrame]
    class_names: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.labels)

    @classmethod
    def read(cls, images: Path, labels: Path) -> Self:
        """Read the labels, in the formats of `sonar_debris.datasets.labels.read_labels`.

        Args:
            images: the folder of the images.
            labels: a COCO file, or a folder of Pascal VOC or YOLO files.

        Returns:
            The test set.

        Raises:
            SonarDebrisError: the labels cannot be read, or no frame has a box.
        """
        from sonar_debris.datasets.labels import read_labels

        return cls(images, labels, *read_labels(images, labels))

    def labelled_frames(self) -> list[LabelledFrame]:
        """List the labelled frames."""
        return list(self.frames)

    def describe(self) -> dict[str, Any]:
        """Return what metrics in a file record of the frames."""
        return {"images": str(self.root), "labels": str(self.labels)}

    def check_classes(self, known: Collection[str], source: str) -> None:
        """Check that detections can have the classes of the labels. Names are compared ignoring case.

        Args:
            known: the class names of the detections.
            source: the model or the file that they are from, for messages.

        Raises:
            SonarDebrisError: no labelled box has one of these classes.

        Warns:
            SonarDebrisWarning: some boxes have none of them.
        """
        known_names = {name.lower() for name in known}
        count = Counter(self.class_names[class_id] for frame in self.frames for class_id in frame.class_id)
        unknown = [name for name in count if name.lower() not in known_names]
        if len(unknown) == len(count):
            raise SonarDebrisError(
                f"{self.labels}: {source} knows none of its classes ({', '.join(sorted(count))}; known: "
                f"{', '.join(known)}); rename the classes, or use evaluate proposals, which needs no classes"
            )
        if unknown:
            classes = ", ".join(f"{name} ({count[name]} boxes)" for name in sorted(unknown))
            warnings.warn(
                f"{self.labels}: {source} does not know {classes}; such objects count as not found, except in the FROC "
                "and in class-agnostic recall",
                SonarDebrisWarning,
                stacklevel=2,
            )

    def warn_if_trained_on(self, trained_on: TrainingDataDescription) -> None:
        """Warn if a model was trained on these labels.

        Warns:
            SonarDebrisWarning: the model's files name these labels.
        """
        if trained_on.labels and os.path.realpath(trained_on.labels) == os.path.realpath(self.labels):
            warnings.warn(
                f"{self.labels}: the model was trained on these labels, so the figures are too high",
                SonarDebrisWarning,
                stacklevel=2,
            )


# Labelled frames to evaluate on.
TestFrames = Selection | UserTestSet


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
        labels: path of the user's own labels that the model was trained on; None if there were none.
    """

    split: str | None = None
    left_out: str | None = None
    labels: str | None = None

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Self:
        """Read the entry ``data`` of a ``model.json`` or ``classifier.json``, as `TrainingSet.describe` writes it.

        Example:
            >>> TrainingDataDescription.from_json({"split": "scene", "train": ["1", "2", "4"], "test_fold": 0})
            TrainingDataDescription(split='scene', left_out='0', labels=None)
        """
        split, labels = description.get("split"), description.get("labels")
        if isinstance(labels, str):
            return cls(labels=labels)
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
