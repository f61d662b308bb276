"""Reader of the watertank frames with boxes (Marine Debris FLS datasets, DOI 10.5281/zenodo.15101686).

MERGED:
Readers of the object crops: the water tank's (10 classes) and the turntable's (18 objects).
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames

CLASS_NAMES = (
    "bottle",
    "can",
    "chain",
    "drink-carton",
    "hook",
    "propeller",
    "shampoo-bottle",
    "standing-bottle",
    "tire",
    "valve",
    "wall",
)


def read_watertank(root: Path) -> list[LabelledFrame]:
    """Read the boxes of all frames of ``watertank-segmentation``; the images are read later, one by one.

    Args:
        root: the folder of the release, which holds ``watertank-segmentation``.

    Returns:
        The labelled frames in order of name.

    Raises:
        SonarDebrisError: the folder is not there, or an annotation cannot be read.
    """
    folder = Path(root) / "watertank-segmentation"
    annotations = sorted((folder / "BoxAnnotations").glob("*.xml"))
    if not annotations:
        raise SonarDebrisError(f"{folder}: no BoxAnnotations/*.xml; give the folder of the public release")
    return [_read_frame(path, folder / "Images" / f"{path.stem}.png") for path in annotations]


def _read_frame(annotation: Path, image: Path) -> LabelledFrame:
    try:
        objects = ElementTree.parse(annotation).getroot().findall("object")
        xyxy = np.array([_box(item) for item in objects], np.float32).reshape(-1, 4)
        class_id = np.array([CLASS_NAMES.index(item.findtext("name").lower()) for item in objects], np.int64)
    except (ElementTree.ParseError, ValueError, TypeError, AttributeError) as error:
        raise SonarDebrisError(f"{annotation}: not an annotation of the watertank release ({error})") from error
    return LabelledFrame(annotation.stem, image, xyxy, class_id)


def _box(item: ElementTree.Element) -> tuple[float, float, float, float]:
    """The release stores x, y, w, h, not xmin … ymax as Pascal VOC does."""
    x, y, w, h = (float(item.findtext(f"bndbox/{key}")) for key in "xywh")
    return x, y, x + w, y + h


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
