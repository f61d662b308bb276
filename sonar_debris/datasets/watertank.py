"""Reader of the watertank frames with boxes (Marine Debris FLS datasets, DOI 10.5281/zenodo.15101686)."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from sonar_debris.datasets.labelled_frame import LabelledFrame
from sonar_debris.errors import SonarDebrisError

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
