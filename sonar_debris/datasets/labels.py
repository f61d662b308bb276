"""A frame on disk together with its ground truth.

MERGED:
Reader of the user's own labels: COCO, Pascal VOC and YOLO, by way of `supervision`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonar_debris.errors import SonarDebrisError


@dataclass(frozen=True)
class LabelledFrame:
    """A frame's file and its labelled boxes.

    Attributes:
        name: the frame's stem, the key in split tables.
        path: its image file.
        xyxy: ``(N, 4)`` float32 boxes in pixels of the frame: left, top, right, bottom.
        class_id: ``(N,)`` int64 indices into the dataset's class names.
    """

    name: str
    path: Path
    xyxy: np.ndarray
    class_id: np.ndarray


def read_labels(images: Path, labels: Path) -> tuple[list[LabelledFrame], tuple[str, ...]]:
    """Read boxes; the images are read later, one by one.

    Args:
        images: the folder of the images.
        labels: a COCO ``.json`` file, a folder of Pascal VOC ``.xml`` files, or a folder of YOLO ``.txt`` files with a
            ``data.yaml`` in it or above it.

    Returns:
        The labelled frames in order of name, and the class names.

    Raises:
        SonarDebrisError: a label, an image or every box is missing, or labels cannot be read.
    """
    try:
        from supervision import DetectionDataset
    except ImportError as error:
        raise SonarDebrisError(f"{labels}: to read labels, pip install 'sonar-debris[supervision]'") from error
    for path in (images, labels):
        if not path.exists():
            raise SonarDebrisError(f"{path}: no such file or folder")
    try:
        data = _load(DetectionDataset, images, labels)
        frames = [_frame(Path(path), found) for path, found in sorted(data.annotations.items())]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError) as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0][:160]
        raise SonarDebrisError(f"{labels}: not readable labels of {images} ({reason})") from error
    missing = [frame.path.name for frame in frames if not frame.path.is_file()]
    if missing:
        raise SonarDebrisError(f"{labels}: {len(missing)} labelled images are not in {images}, e.g. {missing[0]}")
    if not any(len(frame.xyxy) for frame in frames):
        raise SonarDebrisError(f"{labels}: no box of any image in {images}; do the file names agree?")
    return frames, tuple(map(str, data.classes))


def _load(dataset, images: Path, labels: Path):
    if labels.suffix.lower() == ".json":
        return dataset.from_coco(str(images), str(labels))
    if any(labels.glob("*.xml")):
        return dataset.from_pascal_voc(str(images), str(labels))
    description = next((path for path in (labels / "data.yaml", labels.parent / "data.yaml") if path.is_file()), None)
    if description is None:
        raise SonarDebrisError(f"{labels}: no .json, no .xml files, and no data.yaml for YOLO labels here or above")
    return dataset.from_yolo(str(images), str(labels), str(description))


def _frame(path: Path, found) -> LabelledFrame:
    return LabelledFrame(path.stem, path, found.xyxy.astype(np.float32).reshape(-1, 4), found.class_id.astype(np.int64))
