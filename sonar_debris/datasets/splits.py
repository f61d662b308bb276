"""Splits of frames and crops into parts: a random split, and one with whole scenes in each part.

The literature reports the random split. Neighbouring frames are near-duplicates, so its test part resembles its
training part. The folds of the scene split test on layouts of the water tank that training never saw.

Importing this module is cheap: OpenCV, SciPy and scikit-learn are imported when a split is computed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sonar_debris.errors import SonarDebrisError, one_line

if TYPE_CHECKING:
    from sonar_debris.datasets.labels import LabelledFrame
    from sonar_debris.datasets.release import Crop

Item = TypeVar("Item", "Crop", "LabelledFrame")

FOLDS = ("0", "1", "2", "3", "4")
_PARTS = {"scene": FOLDS, "random": ("train", "val", "test")}
SPLITS = tuple(_PARTS)
# The column of each split in the tables of the release.
_COLUMNS = {"scene": "fold", "random": "random"}
# Two frames show the same scene if their blurred images correlate at least this much.
SAME_SCENE = 0.85
# Share of frames that `hold_out_scenes` holds out.
VALIDATION_SHARE = 0.2
# Number of random choices of scenes, of which the one closest to that share is taken.
SCENE_CHOICES = 50


def split_parts(split: str) -> tuple[str, ...]:
    """Return the parts of a split.

    Args:
        split: one of `SPLITS`.

    Returns:
        `FOLDS` for ``"scene"``; train, val and test for ``"random"``. The random split of crops has no part val.

    Raises:
        SonarDebrisError: no such split.

    Example:
        >>> split_parts("random")
        ('train', 'val', 'test')
    """
    return _PARTS[_check_split(split)]


def _check_split(split: str) -> str:
    if split not in SPLITS:
        raise SonarDebrisError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    return split


def group_scenes(images: Iterable[np.ndarray], correlation: float = SAME_SCENE) -> np.ndarray:
    """Group frames that look alike into scenes: the connected components of their similarity graph.

    Args:
        images: N frames ``(rows, cols)``, normalised: in raw frames all fans of one sonar look alike, because the
            black area around the fan is the strongest contrast. One image at a time is used.
        correlation: least correlation of two blurred frames of the same scene.

    Returns:
        ``(N,)`` scene numbers, from 0.
    """
    from scipy.sparse.csgraph import connected_components

    signatures = np.stack([frame_signature(image) for image in images])
    _, scenes = connected_components(signatures @ signatures.T >= correlation, directed=False)
    return scenes


def frame_signature(image: np.ndarray) -> np.ndarray:
    """Return the blurred frame as a unit vector of zero mean: the dot product of two is their correlation.

    Args:
        image: normalised frame ``(rows, cols)``.

    Returns:
        ``(9600,)`` float32.
    """
    import cv2

    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 4)
    small = cv2.resize(blurred, (80, 120), interpolation=cv2.INTER_AREA)
    vector = (small - small.mean()).ravel()
    return vector / max(np.linalg.norm(vector), 1e-9)


def select_frames(
    root: Path, frames: Sequence[LabelledFrame], split: str, part: str | int | Collection[str | int]
) -> list[LabelledFrame]:
    """Return the frames of one or more parts of a split.

    The table ``splits/frames.csv`` of the release defines the split. Without that table the split is computed with
    seed 0, and for the scene split every frame is read once.

    Args:
        root: the folder of the release.
        frames: the frames to select from.
        split: ``"random"`` (parts train, val, test: 70, 20 and 10 %) or ``"scene"`` (parts 0 to 4, whole scenes).
        part: one part or several.

    Returns:
        The frames of these parts, in the given order.

    Raises:
        SonarDebrisError: no such split or part, or too few frames.
    """
    table, column = Path(root) / "splits" / "frames.csv", _COLUMNS[_check_split(split)]
    if table.is_file():
        return _select(frames, _read_column(table, "frame", column), part, table)
    try:
        return _select(frames, _compute_frame_parts(frames, split), part, root)
    except ValueError as error:
        raise SonarDebrisError(f"{root}: too few frames to split ({error})") from error


def scenes_of(root: Path, frames: Sequence[LabelledFrame]) -> list[str]:
    """Return the scene of each frame.

    The table ``splits/frames.csv`` of the release lists the scenes. Without that table every frame is read, and
    frames that look alike are grouped.

    Args:
        root: the folder of the release.
        frames: N labelled frames.

    Returns:
        N names of scenes.
    """
    table = Path(root) / "splits" / "frames.csv"
    if not table.is_file():
        return [str(scene) for scene in _compute_scenes(frames)]
    scenes = _read_column(table, "frame", "scene")
    return [scenes.get(frame.name, frame.name) for frame in frames]


def hold_out_scenes(frames: Sequence[LabelledFrame]) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """Hold out about a fifth of the frames for validation, in whole scenes.

    If no set of whole scenes comes near that share, as where one scene has nearly all frames, the last fifth is held
    out. Every frame is read once.

    Args:
        frames: N labelled frames, in the order of recording.

    Returns:
        The frames to train on and the frames to validate on.
    """
    from sklearn.model_selection import GroupShuffleSplit

    scenes, goal = _compute_scenes(frames), VALIDATION_SHARE * len(frames)
    train, val = np.split(np.arange(len(frames)), [len(frames) - int(goal)])
    if scenes.max(initial=0) > 0:
        splitter = GroupShuffleSplit(SCENE_CHOICES, test_size=VALIDATION_SHARE, random_state=0)
        choices = splitter.split(frames, groups=scenes)
        scene_train, scene_val = min(choices, key=lambda choice: abs(len(choice[1]) - goal))
        if goal / 2 <= len(scene_val) <= 2 * goal:
            train, val = scene_train, scene_val
    return [frames[index] for index in train], [frames[index] for index in val]


def select_crops(root: Path, crops: Sequence[Crop], split: str, part: str | int | Collection[str | int]) -> list[Crop]:
    """Return the crops of one or more parts of a split.

    The table ``splits/crops.csv`` of the release defines the split. Without that table only the random split exists
    (70 and 30 % of each class, seed 0), as the scene of a crop is unknown.

    Args:
        root: the folder of the release.
        crops: the crops to select from.
        split: ``"random"`` (parts train, test) or ``"scene"`` (parts 0 to 4).
        part: one part or several.

    Returns:
        The crops of these parts, in the given order.

    Raises:
        SonarDebrisError: no such split or part, or too few crops.
    """
    table, column = Path(root) / "splits" / "crops.csv", _COLUMNS[_check_split(split)]
    if table.is_file():
        return _select(crops, _read_column(table, "crop", column), part, table)
    if split == "scene":
        raise SonarDebrisError(f"{table}: not found, so the scenes of the crops are unknown; use --split random")
    from sklearn.model_selection import train_test_split

    names, classes = [crop.name for crop in crops], [crop.class_id for crop in crops]
    try:
        train, test = train_test_split(names, train_size=0.7, random_state=0, stratify=classes)
    except ValueError as error:
        raise SonarDebrisError(f"{root}: too few crops to split ({error})") from error
    return _select(crops, dict.fromkeys(train, "train") | dict.fromkeys(test, "test"), part, root)


def _read_column(path: Path, key: str, column: str) -> dict[str, str]:
    """Return the values of a column of a table by those of the column ``key``."""
    from sonar_debris.files import check_regular_file

    advice = "download the table again, or remove it to compute a split"
    try:
        check_regular_file(path)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            for name in (key, column):
                if name not in (rows.fieldnames or ()):
                    raise SonarDebrisError(f"{path}: no column {name!r}; {advice}")
            values = {row[key]: row[column] for row in rows}
    except (csv.Error, UnicodeDecodeError) as error:
        raise SonarDebrisError(f"{path}: not a readable table ({one_line(error)}); {advice}") from error
    if None in values or None in values.values():
        raise SonarDebrisError(f"{path}: a row is too short; {advice}")
    return values


def _select(
    items: Sequence[Item], part_of: dict[str, str], part: str | int | Collection[str | int], place: Path
) -> list[Item]:
    """Select items by the part that ``part_of``, which comes from ``place``, gives for their names."""
    parts = {str(part)} if isinstance(part, str | int) else set(map(str, part))
    existing = set(part_of.values())
    missing = parts - existing
    if missing:
        choices = ", ".join(sorted(existing)) or "none"
        raise SonarDebrisError(f"{place}: no part {', '.join(sorted(missing))} in this split: choose among {choices}")
    return [item for item in items if part_of.get(item.name) in parts]


def _compute_frame_parts(frames: Sequence[LabelledFrame], split: str) -> dict[str, str]:
    from sklearn.model_selection import train_test_split

    names = [frame.name for frame in frames]
    if split == "scene":
        return dict(zip(names, _compute_folds(frames), strict=True))
    train, rest = train_test_split(names, train_size=0.7, random_state=0)
    val, test = train_test_split(rest, train_size=2 / 3, random_state=0)
    return dict.fromkeys(train, "train") | dict.fromkeys(val, "val") | dict.fromkeys(test, "test")


def _compute_folds(frames: Sequence[LabelledFrame]) -> list[str]:
    """Assign whole scenes to five folds, with the classes as balanced as possible."""
    from sklearn.model_selection import StratifiedGroupKFold

    scenes = _compute_scenes(frames)
    # The splitter takes one class per frame: the frame's rarest class, so that rare classes are spread evenly.
    count = np.bincount(np.concatenate([frame.class_id for frame in frames]))
    rarest = [min(frame.class_id, key=lambda class_id: count[class_id], default=-1) for frame in frames]
    folds = np.zeros(len(frames), int)
    for fold, (_, test) in enumerate(StratifiedGroupKFold(len(FOLDS)).split(rarest, rarest, scenes)):
        folds[test] = fold
    return [str(fold) for fold in folds]


def _compute_scenes(frames: Sequence[LabelledFrame]) -> np.ndarray:
    from sonar_debris.frames.pixels import preprocess

    # On the 1569 frames of the release: 41 scenes of normalised frames, 1 scene of raw frames.
    return group_scenes(preprocess(frame.load())[0] for frame in frames)
