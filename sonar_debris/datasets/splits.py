"""Group near-duplicate frames into scenes, so that a test shows layouts never seen in training.

MERGED:
Which frames and crops train, validate and test: the random split and the scene-disjoint one.

The random split is what the literature reports; as neighbouring frames are near-copies of each other it
tests on what was almost seen in training. The scene-disjoint folds test on tank layouts never seen.
"""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, train_test_split

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import Crop
from sonar_debris.errors import SonarDebrisError

SAME_SCENE = 0.85


def group_scenes(images: Sequence[np.ndarray], correlation: float = SAME_SCENE) -> np.ndarray:
    """Scenes as connected components of frames that look alike.

    Args:
        images: N frames ``(rows, cols)``, of one size.
        correlation: two frames whose blurred images correlate at least this much show one scene.

    Returns:
        ``(N,)`` scene numbers, from 0.
    """
    signatures = np.stack([_signature(image) for image in images])
    return connected_components(signatures @ signatures.T >= correlation, directed=False)[1]


def _signature(image: np.ndarray) -> np.ndarray:
    """The blurred frame as a unit vector of zero mean, so that a dot product is a correlation."""
    small = cv2.resize(cv2.GaussianBlur(np.float32(image), (0, 0), 4), (80, 120), interpolation=cv2.INTER_AREA)
    vector = (small - small.mean()).ravel()
    return vector / max(np.linalg.norm(vector), 1e-9)


SPLITS = ("scene", "random")
FOLDS = ("0", "1", "2", "3", "4")
# Choices of scenes of which the one nearest to the share wanted is taken.
SCENE_CHOICES = 50
Item = TypeVar("Item", Crop, LabelledFrame)


def select_frames(
    root: Path, frames: Sequence[LabelledFrame], split: str, part: str | int | Collection[str]
) -> list[LabelledFrame]:
    """The frames of one or several parts of a split.

    Args:
        root: the folder of the release; ``splits/frames.csv`` there decides. Without it the split is
            computed (seed 0; reads every frame once for the scene-disjoint one).
        frames: the frames to choose from.
        split: ``"random"`` (parts train, val, test: 70/20/10 %) or ``"scene"`` (parts 0 to 4, whole scenes).
        part: one part or several.

    Raises:
        SonarDebrisError: no such split or part.
    """
    table = Path(root) / "splits" / "frames.csv"
    if table.is_file():
        return _select(frames, _read_table(table, "frame", split), part)
    try:
        return _select(frames, _compute_frame_parts(frames, split), part)
    except ValueError as error:
        raise SonarDebrisError(f"{root}: too few frames to split ({error})") from error


def scenes_of(root: Path, frames: Sequence[LabelledFrame]) -> list[str]:
    """The scene that each frame shows.

    Args:
        root: the folder of the release; ``splits/frames.csv`` there decides. Without it, frames that look alike are
            grouped, for which every one is read.
        frames: the labelled frames.
    """
    table = Path(root) / "splits" / "frames.csv"
    if not table.is_file():
        return [str(scene) for scene in _compute_scenes(frames)]
    scene = _read_column(table, "frame", "scene")
    return [scene.get(frame.name, frame.name) for frame in frames]


def hold_out_scenes(
    frames: Sequence[LabelledFrame], share: float = 0.2, seed: int = 0
) -> tuple[list[LabelledFrame], list[LabelledFrame]]:
    """Keep whole scenes of frames, which are all read, for validation; the last frames where one scene is nearly all.

    Args:
        frames: N labelled frames, in order.
        share: of the frames that is kept, as nearly as whole scenes allow.
        seed: of the choice of scenes.

    Returns:
        The frames to learn from and those to validate on.
    """
    scenes, wanted = _compute_scenes(frames), share * len(frames)
    train, val = np.split(np.arange(len(frames)), [len(frames) - int(wanted)])
    if scenes.max(initial=0) > 0:
        choices = GroupShuffleSplit(SCENE_CHOICES, test_size=share, random_state=seed).split(frames, groups=scenes)
        by_scene = min(choices, key=lambda choice: abs(len(choice[1]) - wanted))
        if wanted / 2 <= len(by_scene[1]) <= 2 * wanted:
            train, val = by_scene
    return [frames[number] for number in train], [frames[number] for number in val]


def select_crops(root: Path, crops: Sequence[Crop], split: str, part: str | int | Collection[str]) -> list[Crop]:
    """The crops of one or several parts of a split.

    Args:
        root: the folder of the release; ``splits/crops.csv`` there decides. Without it only the random
            split exists (70/30 % within each class, seed 0): a crop does not tell its scene.
        crops: the crops to choose from.
        split: ``"random"`` (parts train, test) or ``"scene"`` (parts 0 to 4).
        part: one part or several.

    Raises:
        SonarDebrisError: no such split or part.
    """
    table = Path(root) / "splits" / "crops.csv"
    if table.is_file():
        return _select(crops, _read_table(table, "crop", split), part)
    if split == "scene":
        raise SonarDebrisError(f"{table}: not found, and crops do not tell their scene; use --split random")
    names, classes = [crop.name for crop in crops], [crop.class_id for crop in crops]
    try:
        train, test = train_test_split(names, train_size=0.7, random_state=0, stratify=classes)
    except ValueError as error:
        raise SonarDebrisError(f"{root}: too few crops to split ({error})") from error
    return _select(crops, dict.fromkeys(train, "train") | dict.fromkeys(test, "test"), part)


def _read_table(path: Path, key: str, split: str) -> dict[str, str]:
    column = {"scene": "fold", "random": "random"}.get(split)
    if column is None:
        raise SonarDebrisError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")
    return _read_column(path, key, column)


def _read_column(path: Path, key: str, column: str) -> dict[str, str]:
    with path.open(newline="") as lines:
        rows = csv.DictReader(lines)
        for name in (key, column):
            if name not in (rows.fieldnames or ()):
                raise SonarDebrisError(
                    f"{path}: no column {name!r}; get the table anew, or remove it to compute a split"
                )
        return {row[key]: row[column] for row in rows}


def _select(items: Sequence[Item], parts: dict[str, str], part: str | int | Collection[str]) -> list[Item]:
    wanted = {str(part)} if isinstance(part, str | int) else {str(one) for one in part}
    missing = wanted - set(parts.values())
    if missing:
        known = ", ".join(sorted(set(parts.values())))
        raise SonarDebrisError(f"no part {', '.join(sorted(missing))} in this split: choose among {known}")
    return [item for item in items if parts.get(item.name) in wanted]


def _compute_frame_parts(frames: Sequence[LabelledFrame], split: str) -> dict[str, str]:
    names = [frame.name for frame in frames]
    if split == "random":
        train, rest = train_test_split(names, train_size=0.7, random_state=0)
        val, test = train_test_split(rest, train_size=2 / 3, random_state=0)
        return dict.fromkeys(train, "train") | dict.fromkeys(val, "val") | dict.fromkeys(test, "test")
    if split == "scene":
        return dict(zip(names, _compute_folds(frames), strict=True))
    raise SonarDebrisError(f"no split {split!r}: choose one of {', '.join(SPLITS)}")


def _compute_folds(frames: Sequence[LabelledFrame]) -> list[str]:
    """Whole scenes to five folds, the classes balanced as far as they can be."""
    scenes = _compute_scenes(frames)
    # One class a frame is what the splitter takes: its rarest, so that rare classes are spread first.
    count = np.bincount(np.concatenate([frame.class_id for frame in frames]))
    rarest = [min(frame.class_id, key=lambda c: count[c], default=-1) for frame in frames]
    folds = np.zeros(len(frames), int)
    for number, (_, test) in enumerate(StratifiedGroupKFold(len(FOLDS)).split(rarest, rarest, scenes)):
        folds[test] = number
    return [str(fold) for fold in folds]


def _compute_scenes(frames: Sequence[LabelledFrame]) -> np.ndarray:
    from sonar_debris.frames import open_frames

    return group_scenes([next(open_frames(frame.path)).image for frame in frames])
