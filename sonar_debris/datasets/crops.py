"""Readers of the object crops: the water tank's (10 classes) and the turntable's (18 objects)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames


@dataclass(frozen=True)
class Crop:
    """One object cut out of a frame.

    Attributes:
        name: the file's stem, the key in split tables.
        path: its image file.
        class_id: index into the class names that `crop_class_names` gives.
        turns: quarter turns counter-clockwise that bring it to the orientation of frames, in which range runs up.
    """

    name: str
    path: Path
    class_id: int
    turns: int = 0


# Quarter turns: in the water tank's crops range runs to the right; in the turntable's it runs up, as in frames.
TURNS = {"watertank-cropped": 1, "turntable-cropped": 0}


def crop_class_names(root: Path, collection: str = "watertank-cropped") -> tuple[str, ...]:
    """The classes of a collection: its sub-folders, in order of name."""
    folder = Path(root) / collection
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()
    if not names:
        raise SonarDebrisError(f"{folder}: no class folders; give the folder of the public release")
    return names


def read_crops(root: Path, collection: str = "watertank-cropped") -> list[Crop]:
    """List the crops of a collection, in order of class and name; the images are read later.

    Args:
        root: the folder of the release.
        collection: ``"watertank-cropped"`` or ``"turntable-cropped"``.

    Raises:
        SonarDebrisError: the folder is not there.
    """
    return [
        Crop(path.stem, path, class_id, TURNS[collection])
        for class_id, name in enumerate(crop_class_names(root, collection))
        for path in sorted((Path(root) / collection / name).glob("*.png"))
    ]


def load_crop(crop: Crop) -> np.ndarray:
    """A crop's image, turned the way objects lie in frames.

    Returns:
        ``(rows, cols)`` float32 in [0, 1].
    """
    (frame,) = open_frames(crop.path)
    return np.ascontiguousarray(np.rot90(frame.image, crop.turns))
