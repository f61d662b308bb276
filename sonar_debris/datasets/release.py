"""Readers of the public release: the water tank's frames with boxes, and the object crops.

Reference:
    Marine Debris FLS datasets, doi:10.5281/zenodo.15101686.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.voc_labels import parse_xml
from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import open_frames
from sonar_debris.frames.conditions import SonarConditions

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
# The frames do not record it; their documentation does.
CONDITIONS = SonarConditions(("ARIS 3000",), (3.0, 3.0), (1.0, 3.0))
# Counter-clockwise quarter turns that make range run upwards: it runs to the right in the water tank's crops, and
# upwards in the turntable's.
QUARTER_TURNS = {"watertank-cropped": 1, "turntable-cropped": 0}


def read_watertank(root: Path) -> list[LabelledFrame]:
    """Read the boxes of all frames of ``watertank-segmentation``, without the images.

    Args:
        root: the folder of the release, which holds ``watertank-segmentation``.

    Returns:
        The labelled frames, sorted by name.

    Raises:
        SonarDebrisError: the folder does not exist, or an annotation cannot be read.
    """
    folder = Path(root) / "watertank-segmentation"
    annotations = sorted((folder / "BoxAnnotations").glob("*.xml"))
    if not annotations:
        raise SonarDebrisError(f"{folder}: no BoxAnnotations/*.xml; give the folder of the public release")
    return [_read_frame(path, folder / "Images" / f"{path.stem}.png") for path in annotations]


def _read_frame(annotation: Path, image: Path) -> LabelledFrame:
    try:
        objects = parse_xml(annotation).findall("object")
        xyxy = np.array([_read_box(element) for element in objects], np.float32).reshape(-1, 4)
        names = [_read_text(element, "name").lower() for element in objects]
        class_id = np.array([CLASS_NAMES.index(name) for name in names], np.int64)
    except ValueError as error:
        raise SonarDebrisError(f"{annotation}: not an annotation of the watertank release ({error})") from error
    return LabelledFrame(annotation.stem, image, xyxy, class_id)


def _read_box(element: ElementTree.Element) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom. The release stores x, y, w, h, unlike Pascal VOC (xmin … ymax)."""
    x, y, w, h = (float(_read_text(element, f"bndbox/{key}")) for key in "xywh")
    return x, y, x + w, y + h


def _read_text(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"an object without {path}")
    return text


@dataclass(frozen=True)
class Crop:
    """An image of one object, cropped from a frame. The image is read by `load_crop`.

    Attributes:
        name: stem of the crop's file, the key in split tables.
        path: the image file.
        class_id: index into the class names that `crop_class_names` returns.
        quarter_turns: counter-clockwise quarter turns that make range run upwards, as in frames.
    """

    name: str
    path: Path
    class_id: int
    quarter_turns: int = 0


def crop_class_names(root: Path, collection: str = "watertank-cropped") -> tuple[str, ...]:
    """List the classes of a collection of crops.

    Args:
        root: the folder of the release.
        collection: ``"watertank-cropped"`` (10 classes) or ``"turntable-cropped"`` (18 objects).

    Returns:
        The names of the collection's sub-folders, sorted.

    Raises:
        SonarDebrisError: the folder does not exist, or has no sub-folders.
    """
    folder = Path(root) / collection
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()
    if not names:
        raise SonarDebrisError(f"{folder}: no class folders; give the folder of the public release")
    return names


def read_crops(root: Path, collection: str = "watertank-cropped") -> list[Crop]:
    """List the crops of a collection, without reading the images.

    Args:
        root: the folder of the release.
        collection: ``"watertank-cropped"`` or ``"turntable-cropped"``.

    Returns:
        The crops, sorted by class and name.

    Raises:
        SonarDebrisError: the folder does not exist, or has no sub-folders.
    """
    return [
        Crop(path.stem, path, class_id, QUARTER_TURNS[collection])
        for class_id, name in enumerate(crop_class_names(root, collection))
        for path in sorted((Path(root) / collection / name).glob("*.png"))
    ]


def load_crop(crop: Crop) -> np.ndarray:
    """Read a crop's image and turn it so that range runs upwards.

    Returns:
        ``(rows, cols)`` float32 in [0, 1].

    Raises:
        FrameReadError: the file cannot be read.
    """
    (frame,) = open_frames(crop.path)
    return np.ascontiguousarray(np.rot90(frame.image, crop.quarter_turns))
